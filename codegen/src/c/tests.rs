use super::*;
use crate::testing;

fn options() -> FreezeOptions {
    Prefix::new("thomson").unwrap().into()
}

#[test]
fn a_prefix_is_an_identifier_of_c() {
    for name in ["thomson", "a", "x_2", "fn", "self", "int"] {
        assert_eq!(Prefix::new(name).unwrap().as_str(), name);
    }
    for name in [
        "",
        "Upper",
        "9lives",
        "two words",
        "a-b",
        "_a",
        "a__b",
        &"a".repeat(41),
    ] {
        let message = Prefix::new(name).unwrap_err();
        assert!(message.contains("cannot begin the names of C"), "{message}");
    }
    for (name, trouble) in [
        ("float", "float.h is a header"),
        ("stdint", "stdint.h is a header"),
        ("stddef", "stddef.h is a header"),
        ("string", "string.h is a header"),
        ("fe", "FE_OVERFLOW is a macro of fenv.h"),
        ("x", "X_OK is a macro of unistd.h"),
        ("nul", "nul.c is a device on Windows"),
    ] {
        let message = Prefix::new(name).unwrap_err();
        assert!(message.contains(trouble), "{message}");
        let advice = format!("{name}_emulator");
        assert!(message.contains(&advice) && Prefix::new(&advice).is_ok());
        assert_eq!(Prefix::from_name(name).as_str(), "emulator");
    }
    for (name, nearest) in [
        ("My emulator (2)", "my_emulator_2"),
        ("42", "emulator"),
        ("x-ray_", "x_ray"),
        ("\u{e9}t\u{e9}", "t"),
    ] {
        assert_eq!(Prefix::from_name(name).as_str(), nearest);
    }
}

#[test]
fn freezing_replaces_frozen_c_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("frozen");
    freeze(&testing::emulator(1), &out, &options()).unwrap();
    std::fs::write(out.join("left-over"), "").unwrap();
    freeze(&testing::emulator(2), &out, &options()).unwrap();
    assert!(!out.join("left-over").exists());
    for file in [
        "thomson.c",
        "thomson.h",
        "README.md",
        "library/build",
        "library/src/model.rs",
    ] {
        assert!(out.join(file).exists(), "{file}");
    }

    let foreign = folder.path().join("foreign");
    std::fs::create_dir(&foreign).unwrap();
    std::fs::write(foreign.join("thesis.tex"), "years of work").unwrap();
    freeze(&testing::emulator(2), &foreign, &options()).unwrap_err();
    assert_eq!(std::fs::read_dir(&foreign).unwrap().count(), 1);
}

#[test]
fn the_same_emulator_gives_the_same_files_without_a_place_left_to_fill_in() {
    let emulator = testing::emulator(3);
    let files = files(&emulator, &options(), None);
    assert_eq!(files, super::files(&emulator.clone(), &options(), None));
    for (path, contents) in files
        .iter()
        .filter(|(path, _)| !path.contains("dense-runtime/src"))
    {
        let text = String::from_utf8_lossy(contents);
        assert!(!text.contains("{{") || path.ends_with(".rs"), "{path}");
    }
}

#[test]
fn what_outputs_are_relative_to_is_named_in_the_header() {
    let header = |emulator: &Emulator| {
        let files = emit(emulator, &options()).into_iter();
        let mut headers = files.filter(|(path, _)| path == "thomson.h");
        headers.next().expect("a header is written").1
    };
    assert!(!header(&testing::emulator(2)).contains("OFFSET"));
    let header = header(&testing::relative_emulator(2));
    let prefix = "THOMSON";
    let about = format!(
        "output j is {prefix}_OFFSET[j] + {prefix}_SCALE[j] * (double)mean[j],\n *   its standard deviation {prefix}_SCALE[j] * (double)std[j]"
    );
    assert!(header.contains(&about), "{header}");
    assert!(
        header.contains(&format!("#define {prefix}_OFFSET {{ \\\n    101325.0, ")),
        "{header}"
    );
    assert!(
        header.contains(&format!(
            "#define {prefix}_SCALE {{ \\\n    7.006492321624085e-46, "
        )),
        "{header}"
    );
}

#[test]
fn c_is_ascii_whatever_names_there_are() {
    let mut parts = testing::emulator(3).into_parts();
    parts.inputs[0].name = "\u{394}T, \u{b5}s".into();
    parts.outputs.names = vec!["\u{212b}".into(), "\u{202e}a".into()];
    let emulator = Emulator::new(parts).unwrap();
    for (path, text) in emit(&emulator, &options()) {
        let odd = text.lines().find(|line| !line.is_ascii());
        assert_eq!(odd, None, "{path}");
    }
}

#[test]
fn a_name_can_end_neither_a_comment_nor_a_string() {
    let mut parts = testing::emulator(4).into_parts();
    parts.inputs[0].name = "n */ int x; \" \\ ??/ \u{b5}m\nnext".into();
    let emulator = Emulator::new(parts).unwrap();
    let files = emit(&emulator, &options());
    let (_, header) = &files[0];
    assert!(
        header.contains("x[0]  n __ int x; \" _ ___ <U+00B5>m_next, "),
        "{header}"
    );
    let literal = r#""n */ int x; \" \\ \?\?/ \302\265m\012next""#;
    assert!(header.contains(literal), "{header}");
}
