use super::*;
use crate::testing;

fn read(bytes: &[u8]) -> Result<Emulator> {
    from_bytes(bytes, Path::new("some.safetensors"))
}

#[test]
fn an_emulator_comes_back_the_same_and_gives_the_same_bytes() {
    let emulator = testing::emulator(3);
    let bytes = to_bytes(&emulator);
    let again = read(&bytes).unwrap();
    assert_eq!(again, emulator);
    assert_eq!(to_bytes(&again), bytes);
}

#[test]
fn limits_come_back_to_the_last_bit() {
    let mut parts = testing::emulator(3).into_parts();
    for (step, input) in parts.inputs.iter_mut().enumerate() {
        input.high = 0.1 + 0.2 + step as f64 / 3.0 + input.low;
    }
    let emulator = Emulator::new(parts).unwrap();
    assert_eq!(
        read(&to_bytes(&emulator)).unwrap().inputs(),
        emulator.inputs()
    );
}

#[test]
fn what_an_emulator_needs_comes_back_and_it_is_written_as_the_oldest_version_that_has_it() {
    let expected = [2, 2, 1, 2, 3, 2, 2, 2, 1, 3];
    let emulators = (0..).map(testing::random_structure).zip(expected);
    // The small emulator has every operation, the newest among them.
    for (emulator, version) in emulators.chain([(testing::emulator(1), FORMAT)]) {
        let bytes = to_bytes(&emulator);
        let text = String::from_utf8_lossy(&bytes);
        let format = |version| text.contains(&format!("\\\"format\\\":{version}"));
        for one in 1..=FORMAT {
            assert_eq!(format(one), one == version, "format {one} of {version}");
        }
        let sloped = emulator.calibration().slope.is_some();
        assert_eq!(text.contains("calibration/slope"), sloped);
        assert_eq!(read(&bytes).unwrap(), emulator);
    }
}

#[test]
fn what_outputs_are_relative_to_comes_back_bit_for_bit_as_version_3() {
    for seed in [2, 3] {
        let mut parts = testing::relative_emulator(seed).into_parts();
        let structure = testing::random_structure(seed).into_parts();
        (parts.graph, parts.members) = (structure.graph, structure.members);
        let relative = parts.outputs.relative.as_mut().unwrap();
        (relative.offset[3], relative.scale[3]) = (-0.1 - 0.2, 1e-300 / 3.0);
        let emulator = Emulator::new(parts).unwrap();
        let bytes = to_bytes(&emulator);
        assert!(String::from_utf8_lossy(&bytes).contains("\\\"format\\\":3"));
        assert_eq!(read(&bytes).unwrap(), emulator);
    }
}

#[test]
fn a_saved_file_is_loaded_and_nothing_else_is_left_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("emulator.safetensors");
    let emulator = testing::emulator(4);
    save(&emulator, &path).unwrap();
    assert_eq!(load(&path).unwrap(), emulator);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_file_that_was_cut_short_is_refused_at_every_length() {
    let bytes = to_bytes(&testing::emulator(5));
    for length in (0..bytes.len()).step_by(7) {
        let message = read(&bytes[..length]).unwrap_err().to_string();
        assert!(message.starts_with("some.safetensors: "), "{message}");
        assert!(message.ends_with(COPY_AGAIN), "{message}");
    }
}

#[test]
fn a_flipped_bit_is_found_wherever_it_is() {
    let bytes = to_bytes(&testing::emulator(6));
    for place in (0..bytes.len()).step_by(3) {
        let mut damaged = bytes.clone();
        damaged[place] ^= 1 << (place % 8);
        assert!(read(&damaged).is_err(), "byte {place} of {}", bytes.len());
    }
}

#[test]
fn a_newer_format_is_named() {
    let bytes = to_bytes(&testing::random_structure(8));
    let (old, new) = (br#"\"format\":1,"#, br#"\"format\":9,"#);
    let place = bytes
        .windows(old.len())
        .position(|window| window == old)
        .unwrap();
    let mut newer = bytes;
    newer[place..place + new.len()].copy_from_slice(new);
    let message = read(&newer).unwrap_err().to_string();
    assert!(
        message.contains(&format!(
            "format 9; this program reads formats 1 to {FORMAT}; use the version"
        )),
        "{message}"
    );
}

#[test]
fn another_safetensors_file_is_not_taken_for_an_emulator() {
    let tensors: [(&str, TensorView<'_>); 0] = [];
    let message = read(&safetensors::serialize(tensors, None).unwrap())
        .unwrap_err()
        .to_string();
    assert!(message.contains("not an emulator file"), "{message}");
}

#[test]
fn an_emulator_of_any_structure_comes_back_the_same() {
    for seed in 0..40 {
        let emulator = testing::random_structure(seed);
        let bytes = to_bytes(&emulator);
        let again = read(&bytes).unwrap();
        assert_eq!(again, emulator, "seed {seed}");
        assert_eq!(to_bytes(&again), bytes, "seed {seed}");
    }
}
