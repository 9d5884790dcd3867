//! Tests on whole files, and [`files`], which are made in memory for tests.

mod files;

pub(crate) use files::{NpzFile, doubles, images};
pub(super) use files::{read, unicode};

use super::{Dataset, Layout, Part, ReadOptions};
use files::names;
use std::io::Cursor;

#[test]
fn a_whole_file_is_read_as_it_was_written() {
    let x = [1.0, -2.0, 4.0, 0.5, 8.0, 1.0];
    let y: Vec<f64> = (0..3 * 2 * 4).map(f64::from).collect();
    let bytes = NpzFile::new()
        .with("x", "<f8", &[3, 2], doubles(&x))
        .with("y", "<f8", &[3, 2, 4], doubles(&y))
        .with("x_names", "<U5", &[2], unicode(&["n_e", "v"], 5))
        .with("x_log", "|b1", &[2], vec![1, 0])
        .with("x_low", "<f8", &[2], doubles(&[0.5, -3.0]))
        .with("x_high", "<f8", &[2], doubles(&[9.0, 3.0]))
        .with("split", "|i1", &[3], vec![0, 2, 1])
        .with("y_layout", "<U6", &[], unicode(&["curves"], 6))
        .with("sec_per_call", "<f8", &[], doubles(&[0.25]))
        .with("period_s", "<f8", &[4], doubles(&[1.0, 2.0, 4.0, 8.0]))
        .with("meta", "|O", &[], vec![1, 2, 3])
        .bytes();
    let data = read(&bytes).unwrap();
    assert_eq!(
        (data.rows(), data.input_count(), data.output_count()),
        (3, 2, 8)
    );
    assert_eq!(data.x(), x);
    assert_eq!(data.y_row(1)[..2], [8.0, 9.0]);
    let input = &data.inputs()[0];
    assert_eq!(
        (input.name.as_str(), input.low, input.high),
        ("n_e", 0.5, 9.0)
    );
    assert!(input.logarithmic && !data.inputs()[1].logarithmic);
    assert_eq!((data.layout(), data.shape()), (Layout::Curves, &[2, 4][..]));
    assert_eq!(
        data.parts(),
        Some(&[Part::Train, Part::Test, Part::Validation][..])
    );
    assert_eq!(data.axes().len(), 1);
    assert_eq!(data.axes()[0].values, [1.0, 2.0, 4.0, 8.0]);
    assert_eq!(data.seconds_per_call(), Some(0.25));
    assert!(data.notes().is_empty(), "{:?}", data.notes());
    assert_eq!(data.part_rows(Part::Test).unwrap(), [1]);
    assert_eq!(data.sha256().len(), 64);
}

#[test]
fn the_bundled_data_are_as_their_readme_says() {
    let bytes = include_bytes!("../../data/thomson.npz");
    let data = read(bytes).unwrap();
    assert!(bytes.len() <= 2 << 20);
    assert_eq!(
        (data.rows(), data.layout(), data.shape()),
        (1500, Layout::Curve, &[250][..])
    );
    assert!(data.notes().is_empty(), "{:?}", data.notes());
    let sizes = Part::ALL.map(|part| data.part_rows(part).unwrap().len());
    assert_eq!(sizes, [1050, 150, 300]);
    let input = &data.inputs()[0];
    assert_eq!(
        (input.name.as_str(), input.low, input.high),
        ("n_e_cm3", 5e17, 1.5e19)
    );
    let logarithmic: Vec<bool> = data
        .inputs()
        .iter()
        .map(|input| input.logarithmic)
        .collect();
    assert_eq!(logarithmic, [true, true, false, false, false]);
    let wavelength = &data.axes()[0].values;
    let gap = wavelength
        .windows(2)
        .map(|pair| pair[1] - pair[0])
        .enumerate();
    let (place, width) = gap.max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert!(place == 124 && width > 24.0, "{place} {width}");
}

#[test]
fn bad_files_are_refused_with_what_is_wrong_and_where() {
    let ok = || NpzFile::simple(10);
    let with_x = |index: usize, value: f64| {
        let mut x: Vec<f64> = (0..20).map(|i| f64::from(i) + 1.0).collect();
        x[index] = value;
        ok().with("x", "<f8", &[10, 2], doubles(&x))
    };
    let with_y = |index: usize, value: f64| {
        let mut y = vec![0.5; 30];
        y[index] = value;
        ok().with("y", "<f8", &[10, 3], doubles(&y))
    };
    let table = [
        (ok().without("x"), "no array \"x\"; the arrays there are: y"),
        (ok().without("y"), "no array \"y\"; the arrays there are: x"),
        (
            ok().with("y", "<f8", &[9, 3], doubles(&[0.5; 27])),
            "\"y\": expected shape (10, ...) with as many rows as \"x\", got (9, 3)",
        ),
        (
            ok().with("y", "|O", &[10], vec![0; 80]),
            "array \"y\": expected numbers or text, got Python objects",
        ),
        (
            ok().with("y", "<c16", &[10], vec![0; 160]),
            "array \"y\": expected real numbers, got complex ones",
        ),
        (
            ok().with("y", "<f8", &[10, 0], vec![]),
            "at least one output, got array \"y\" of shape (10, 0)",
        ),
        (
            ok().with("y", "<f8", &[10, 3], doubles(&[0.5; 29])),
            "array \"y\": expected more bytes",
        ),
        (
            ok().with("y", "<f8", &[10, 3], doubles(&[0.5; 31])),
            "array \"y\": there are more bytes",
        ),
        (
            ok().with("y", "<U1", &[10], unicode(&["a"; 10], 1)),
            "array \"y\": expected numbers, got text",
        ),
        (
            ok().with("y", "<f4", &[10, 1, 1, 1, 1], vec![0; 40]),
            "\"y\": expected shape of at most 4 sizes",
        ),
        (
            with_y(7, f64::NAN),
            "array \"y\", row 2 (from 0), column \"1\": expected a finite number, got NaN",
        ),
        (
            ok().with("y", "<f8", &[10], doubles(&[f64::NAN; 10])),
            "10 values in 10 of 10 rows cannot be used: array \"y\", row 0 (from 0), column \"y\": NaN",
        ),
        (
            with_y(7, f64::NEG_INFINITY),
            "expected a finite number, got -inf",
        ),
        (
            with_y(29, -1e301),
            "row 9 (from 0), column \"2\": expected a magnitude of at most 1e300, got -1e301",
        ),
        (
            ok().with("y", "<f8", &[10], doubles(&[1e-304; 10])),
            "output y: expected magnitudes from 1e-300 to 1e300, the largest is 1e-304; rescale it",
        ),
        (
            with_x(5, f64::NAN),
            "array \"x\", row 2 (from 0), column \"x1\": expected a finite number, got NaN",
        ),
        (
            with_x(4, 1e31),
            "row 2 (from 0), column \"x0\": expected a magnitude",
        ),
        (
            with_x(6, 0.0).with("x_log", "|b1", &[2], vec![1, 0]),
            "row 3 (from 0), column \"x0\": the input is marked logarithmic",
        ),
        (
            ok().with("x", "<f8", &[10, 2], doubles(&[0.0; 20])).with(
                "x_log",
                "|b1",
                &[2],
                vec![1, 0],
            ),
            "10 values in 10 of 10 rows cannot be used: array \"x\", row 0 (from 0), column \"x0\": 0e0 (the input is \
             marked logarithmic by x_log)",
        ),
        (
            ok().with("x", "<f8", &[10, 0], vec![]),
            "expected 1 to 64 inputs, got 0",
        ),
        (
            ok().with("x", "<f8", &[10, 65], doubles(&[0.5; 650])),
            "expected 1 to 64 inputs, got 65",
        ),
        (
            ok().with("x", "<f8", &[10, 2, 1], doubles(&[0.5; 20])),
            "\"x\": expected shape (n, p), got (10, 2, 1)",
        ),
        (NpzFile::simple(0), "at least one row"),
        (
            ok().with("split", "|i1", &[10], vec![0, 0, 0, 3, 0, 0, 0, 0, 0, 0]),
            "\"split\", row 3 (from 0): expected 0 (train), 1 (validation) or 2 (test), got 3",
        ),
        (
            ok().with("split", "|i1", &[9], vec![0; 9]),
            "\"split\": expected shape (10), got (9)",
        ),
        (
            ok().with("x_names", "<U1", &[1], unicode(&["a"], 1)),
            "\"x_names\": expected shape (2), got (1)",
        ),
        (
            ok().with("x_names", "<U1", &[2], unicode(&["a", "a"], 1)),
            "input names that differ and are not empty, got \"a\"",
        ),
        (
            ok().with("x_names", "<U1", &[2], unicode(&["a", ""], 1)),
            "input names that differ and are not empty, got \"\"",
        ),
        (
            ok().with("y_names", "<U1", &[2], unicode(&["a", "b"], 1)),
            "\"y_names\": expected shape (3), got (2)",
        ),
        (
            ok().with("x_log", "|b1", &[3], vec![0; 3]),
            "\"x_log\": expected shape (2), got (3)",
        ),
        (
            ok().with("y_layout", "<U5", &[], unicode(&["image"], 5)),
            "\"y\": expected shape (n, height, width) for the layout image, got (10, 3)",
        ),
        (
            ok().with("y_layout", "<U5", &[], unicode(&["photo"], 5)),
            "\"y_layout\": expected scalars, curve, curves, image or images, got \"photo\"",
        ),
        (
            ok().with("x_low", "<f8", &[2], doubles(&[0.0, 2.0])).with(
                "x_high",
                "<f8",
                &[2],
                doubles(&[1.0, 1.0]),
            ),
            "input \"x1\": expected finite x_low < x_high, got 2e0 and 1e0",
        ),
        (
            ok().with("x_low", "<f8", &[2], doubles(&[0.0, f64::NAN]))
                .with("x_high", "<f8", &[2], doubles(&[1.0, 1.0])),
            "input \"x1\"",
        ),
        (
            ok().with("x_low", "<f8", &[2], doubles(&[0.0, 1e6])).with(
                "x_high",
                "<f8",
                &[2],
                doubles(&[1.0, 1e6 + 1.0]),
            ),
            "store the input less a constant",
        ),
        (
            ok().with("x_low", "<f8", &[2], doubles(&[0.0, 0.0])).with(
                "x_high",
                "<f8",
                &[2],
                doubles(&[1.0, 1e-31]),
            ),
            "choose another unit",
        ),
        (
            with_x(0, 1.0)
                .with("x_log", "|b1", &[2], vec![1, 1])
                .with("x_low", "<f8", &[2], doubles(&[0.0, 1.0]))
                .with("x_high", "<f8", &[2], doubles(&[30.0, 30.0])),
            "input \"x0\"",
        ),
    ];
    for (file, expected) in table {
        let error = read(&file.bytes()).expect_err(expected).to_string();
        assert!(error.starts_with("t.npz: "), "{error}");
        assert!(error.contains(expected), "expected {expected}, got {error}");
    }
}

#[test]
fn what_is_no_archive_is_refused() {
    let bytes = NpzFile::simple(10).bytes();
    for (bytes, expected) in [
        (&bytes[..bytes.len() / 2], "cut short or damaged"),
        (&b"not a zip"[..], "no zip archive"),
        (&b""[..], "an empty file"),
    ] {
        let error = read(bytes).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (path, expected) in [
        ("absent.npz", "cannot be read"),
        ("data.txt", ".npz or .csv"),
    ] {
        let error = Dataset::read(path.as_ref(), &ReadOptions::default()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn options_choose_columns_and_layout() {
    let file = NpzFile::simple(10)
        .with("x_names", "<U1", &[2], unicode(&["a", "b"], 1))
        .with("y_names", "<U1", &[3], unicode(&["p", "q", "r"], 1));
    let whole = read(&file.bytes()).unwrap();
    let options = ReadOptions {
        layout: None,
        inputs: names(&["b"]),
        outputs: names(&["r", "p"]),
    };
    let chosen = Dataset::from_npz_bytes(&file.bytes(), "t.npz", &options).unwrap();
    assert_eq!(chosen.x_row(4), &whole.x_row(4)[1..]);
    assert_eq!(chosen.y_row(4), [whole.y_row(4)[2], whole.y_row(4)[0]]);
    let curve = ReadOptions {
        layout: Some(Layout::Curve),
        ..ReadOptions::default()
    };
    let curve = Dataset::from_npz_bytes(&file.bytes(), "t.npz", &curve).unwrap();
    assert_eq!(curve.layout(), Layout::Curve);
    let absent = ReadOptions {
        inputs: names(&["c"]),
        ..ReadOptions::default()
    };
    let error = Dataset::from_npz_bytes(&file.bytes(), "t.npz", &absent).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("no column \"c\"; the columns there are: a, b")
    );
}

#[test]
fn a_csv_is_read_by_the_names_of_its_columns() {
    let text = b"b,y,a,z,note\n1,10,0.5,7,x\n2,20,1.5,8,x\n3,1e301,2.5,9,x\n";
    let options = |inputs: &[&str], outputs: &[&str], layout| ReadOptions {
        layout,
        inputs: names(inputs),
        outputs: names(outputs),
    };
    let read = |options| Dataset::from_csv_bytes(text, "t.csv", &options);
    let data = read(options(&["a", "b"], &["z"], None)).unwrap();
    assert_eq!(data.x(), [0.5, 1.0, 1.5, 2.0, 2.5, 3.0]);
    assert_eq!(
        (data.shape(), data.output_names()),
        (&[1][..], &names(&["z"])[..])
    );
    for (options, expected) in [
        (
            options(&[], &["y"], None),
            "needs --inputs with the names of columns; the columns there are: b, y, a, z, note",
        ),
        (options(&["a"], &[], None), "needs --outputs"),
        (
            options(&["a"], &["w"], None),
            "no column \"w\"; the columns there are: b, y, a, z, note",
        ),
        (
            options(&["a"], &["y"], None),
            "line 4, column \"y\": expected a magnitude",
        ),
        (
            options(&["a"], &["note"], None),
            "3 values in 3 of 3 rows cannot be used: line 2, column \"note\": \"x\"; line 3",
        ),
        (
            options(&["a"], &["b"], Some(Layout::Image)),
            "a .csv holds scalars or one curve",
        ),
        (
            options(&["a", "a"], &["b"], None),
            "input names that differ",
        ),
    ] {
        let error = read(options).unwrap_err().to_string();
        assert!(
            error.starts_with("t.csv: ") && error.contains(expected),
            "{error}"
        );
    }
}

#[test]
fn a_part_that_is_not_there_is_named_with_those_that_are() {
    let file = NpzFile::simple(10);
    let data = read(&file.bytes()).unwrap();
    let error = data.part_rows(Part::Test).unwrap_err().to_string();
    assert!(error.contains("no array \"split\""), "{error}");
    let data = read(&file.with("split", "|i1", &[10], vec![0; 10]).bytes()).unwrap();
    let error = data.part_rows(Part::Test).unwrap_err().to_string();
    assert!(
        error.contains("no row belongs to the test part; the parts there are: train (10 rows)"),
        "{error}"
    );
}

/// In stored arrays the damage reaches the elements before the checksum is verified; deflated
/// arrays test the decoder. A test in `npy`, with a header that claims terabytes, shows that sizes
/// allocate no memory before their bytes arrive.
#[test]
fn damaged_bytes_never_panic() {
    use rand_chacha::rand_core::RngCore;

    let stored = {
        use zip::write::SimpleFileOptions;
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let whole = NpzFile::simple(12).bytes();
        let mut archive = zip::ZipArchive::new(Cursor::new(&whole[..])).unwrap();
        for index in 0..archive.len() {
            let mut member = archive.by_index(index).unwrap();
            let options =
                SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
            zip.start_file(member.name(), options).unwrap();
            std::io::copy(&mut member, &mut zip).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    let deflated = NpzFile::simple(12)
        .with("x_names", "<U4", &[2], unicode(&["a", "b"], 4))
        .with("split", "|i1", &[12], vec![0; 12])
        .with("axis", "<f8", &[3], doubles(&[1.0, 2.0, 3.0]))
        .bytes();
    let mut random = crate::streams::stream(1, "damage");
    for whole in [stored, deflated] {
        read(&whole).unwrap();
        for length in 0..whole.len() {
            assert!(read(&whole[..length]).is_err(), "cut to {length}");
        }
        for _ in 0..5000 {
            let mut bytes = whole.clone();
            for _ in 0..=random.next_u32() % 3 {
                let place = random.next_u32() as usize % bytes.len();
                bytes[place] = random.next_u32() as u8;
            }
            let _ = read(&bytes);
        }
    }
}

/// Damages headers and elements themselves, without the archive's checksum detecting it first.
#[test]
fn damaged_arrays_never_panic() {
    use super::npy::Header;
    use rand_chacha::rand_core::RngCore;

    let mut random = crate::streams::stream(2, "damage");
    let mut whole = Vec::new();
    super::npy::write_header(&mut whole, "<f8", &[4, 3]).unwrap();
    whole.extend(doubles(&[0.5; 12]));
    let alphabet = b"0123456789'\"(){}[],: <>|fiuUSObTrueFalse";
    for _ in 0..20_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.next_u32() % 4 {
            let place = random.next_u32() as usize % 80;
            bytes[place] = alphabet[random.next_u32() as usize % alphabet.len()];
        }
        let mut reader = &bytes[..];
        if let Ok(header) = Header::read(&mut reader) {
            let _ = header.numbers(&mut reader, |_, value| value);
            let _ = header.strings(&mut &bytes[..]);
        }
    }
}

#[test]
fn many_columns_of_a_text_are_a_curve_and_that_is_noted() {
    let text = |outputs: usize| {
        let header: String = (0..outputs).map(|k| format!(",y{k}")).collect();
        let row = ",1".repeat(outputs);
        format!("a{header}\n1{row}\n2{row}\n")
    };
    let read = |outputs: usize, layout| {
        let options = ReadOptions {
            layout,
            inputs: names(&["a"]),
            outputs: (0..outputs).map(|k| format!("y{k}")).collect(),
        };
        Dataset::from_csv_bytes(text(outputs).as_bytes(), "t.csv", &options).unwrap()
    };
    let is_noted = |data: &Dataset| {
        let mut notes = data.notes().iter();
        notes.any(|note| note.contains("the 40 outputs are taken as one curve"))
    };
    let curve = read(40, None);
    assert_eq!(curve.layout(), Layout::Curve);
    assert!(is_noted(&curve), "{:?}", curve.notes());
    let scalars = read(40, Some(Layout::Scalars));
    assert_eq!(scalars.layout(), Layout::Scalars);
    assert!(!is_noted(&scalars) && !is_noted(&read(3, None)));
    assert!(!is_noted(&read(40, Some(Layout::Curve))));
}
