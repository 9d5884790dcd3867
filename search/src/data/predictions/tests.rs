use super::super::npz::Archive;
use super::*;
use dense_codegen::emulator::Layout;

const MEAN: [f32; 6] = [1.5, -2.0, f32::NAN, 1e-25, 0.1, 3e9];
const STD: [f32; 6] = [0.1, 0.2, f32::NAN, 0.0, 1.0, 2.0];
const IN_DOMAIN: [bool; 3] = [true, false, true];

/// Writes three rows of two outputs, first two rows and then one; announces `rows`.
fn write(path: &Path, names: &[String], rows: usize) -> Result<usize, DataError> {
    write_as(path, &outputs(names), rows)
}

/// Two scalar outputs with these names.
fn outputs(names: &[String]) -> Outputs {
    Outputs {
        layout: Layout::Scalars,
        shape: vec![2],
        names: names.to_vec(),
        axes: Vec::new(),
        relative: None,
    }
}

fn write_as(path: &Path, outputs: &Outputs, rows: usize) -> Result<usize, DataError> {
    let form = PredictionForm::new(path, outputs)?;
    let mut writer = PredictionWriter::create(form.clone(), Some(rows))?;
    let mut encoded = Encoded::default();
    for (rows, numbers) in [(0..2, 0..4), (2..3, 4..6)] {
        let (mean, std) = (&MEAN[numbers.clone()], &STD[numbers]);
        form.encode(mean, std, &IN_DOMAIN[rows], &mut encoded);
        writer.write(&encoded)?;
    }
    writer.finish()
}

#[test]
fn a_written_archive_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.npz");
    assert_eq!(write(&path, &[], 3).unwrap(), 3);
    let bytes = std::fs::read(&path).unwrap();
    let mut archive = Archive::open(&bytes, "p.npz").unwrap();
    for (name, expected) in [("mean", MEAN), ("std", STD)] {
        assert_eq!(archive.required(name).unwrap().shape(), [3, 2]);
        let found = archive.numbers(name, |_, value| value as f32).unwrap();
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }
    let domain = archive.numbers("in_domain", |_, value| value).unwrap();
    assert_eq!(domain, [1.0, 0.0, 1.0]);
}

#[test]
fn what_outputs_are_relative_to_is_put_in_in_double_precision() {
    let folder = tempfile::tempdir().unwrap();
    let names = ["a".to_owned(), "b".to_owned()];
    let relative = Relative {
        offset: vec![1e6, 0.0],
        scale: vec![1.0, 1e-60],
    };
    let outputs = Outputs {
        relative: Some(relative),
        ..outputs(&names)
    };
    let path = folder.path().join("p.npz");
    write_as(&path, &outputs, 3).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let mut archive = Archive::open(&bytes, "p.npz").unwrap();
    let mean = archive.numbers("mean", |_, value| value).unwrap();
    let std = archive.numbers("std", |_, value| value).unwrap();
    assert_eq!(mean[..2], [1_000_001.5, -2e-60]);
    assert_eq!(
        mean[3..],
        [f64::from(1e-25f32) * 1e-60, 1e6 + f64::from(0.1f32), 3e-51]
    );
    assert_eq!(std[..2], [0.1f32.into(), f64::from(0.2f32) * 1e-60]);
    let path = folder.path().join("p.csv");
    write_as(&path, &outputs, 3).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let first = text.lines().nth(1).unwrap();
    assert!(
        first.starts_with("1000001.5,-2e-60,0.10000000149011612,"),
        "{first}"
    );
}

#[test]
fn the_columns_of_a_csv_carry_the_outputs_names() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.csv");
    let names = ["a, b".to_owned(), "c".to_owned()];
    write(&path, &names, 3).unwrap();
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        "\"a, b_mean\",c_mean,\"a, b_std\",c_std,in_domain\n1.5,-2.0,0.1,0.2,true\nNaN,1e-25,NaN,0.0,false\n\
         0.1,3000000000.0,1.0,2.0,true\n"
    );
    write(&path, &[], 3).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("mean_0,mean_1,std_0,"), "{text}");
}

#[test]
fn a_failed_write_leaves_the_old_file_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["p.npz", "p.csv"] {
        let path = folder.path().join(name);
        std::fs::write(&path, "old").unwrap();
        let error = write(&path, &[], 4).unwrap_err();
        let error = crate::Error::from(error).chain();
        assert!(
            error.contains("expected 4 rows of inputs, got 3"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        assert!(write(&folder.path().join("none").join(name), &[], 3).is_err());
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}
