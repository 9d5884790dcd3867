use super::super::testing::{NpzFile, doubles, unicode};
use super::*;

fn names() -> Vec<String> {
    vec!["a".to_owned(), "b".to_owned()]
}

/// Writes the file and reads it back, `at_once` rows at a time.
fn read(file: &str, bytes: &[u8], at_once: usize) -> Result<Vec<f32>, DataError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(file);
    std::fs::write(&path, bytes).unwrap();
    let input = InputRows::open(&path, &names())?;
    let mut x = Vec::new();
    input.read(at_once, |rows| {
        assert!(!rows.is_empty() && rows.len() <= 2 * at_once);
        x.extend_from_slice(rows);
        Flow::More
    })?;
    assert_eq!(input.count().unwrap(), x.len() / 2);
    Ok(x)
}

fn npz(columns: &[&str], x: &[f64]) -> Vec<u8> {
    let mut file = NpzFile::new().with("x", "<f8", &[x.len() / 2, 2], doubles(x));
    if !columns.is_empty() {
        file = file.with("x_names", "<U4", &[columns.len()], unicode(columns, 4));
    }
    file.bytes()
}

#[test]
fn columns_are_put_into_the_emulators_order() {
    for columns in [&[][..], &["a", "b"]] {
        let file = npz(columns, &[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(read("q.npz", &file, 9).unwrap(), [1.0, 2.0, 3.0, 4.0]);
    }
    let swapped = npz(&["b", "a"], &[1.0, 2.0]);
    assert_eq!(read("q.npz", &swapped, 9).unwrap(), [2.0, 1.0]);
    let text = "\u{feff}b,c,a\n1,2,3\n4,5,6\n";
    let csv = read("q.csv", text.as_bytes(), 9).unwrap();
    assert_eq!(csv, [3.0, 1.0, 6.0, 4.0]);
}

#[test]
fn any_number_of_rows_at_once_gives_the_same_rows_in_both_orders_and_as_text() {
    let x: Vec<f64> = (0..2 * 37).map(|k| (f64::from(k) * 0.7).sin()).collect();
    let expected: Vec<f32> = x.iter().map(|&value| value as f32).collect();
    let rows = npz(&["a", "b"], &x);
    let columns: Vec<f64> = (0..2)
        .flat_map(|column| x.iter().skip(column).step_by(2).copied())
        .collect();
    let columns = NpzFile::columns_first("x", "<f8", &[37, 2], &doubles(&columns));
    let lines = x
        .chunks(2)
        .map(|row| format!("{:?},{:?}\n", row[1], row[0]));
    let text = "b,a\n".to_owned() + &lines.collect::<String>();
    for at_once in [1, 2, 5, 36, 37, 38, 1000] {
        for (file, bytes) in [
            ("q.npz", &rows[..]),
            ("q.npz", &columns),
            ("q.csv", text.as_bytes()),
        ] {
            assert_eq!(
                read(file, bytes, at_once).unwrap(),
                expected,
                "{file} by {at_once}"
            );
        }
    }
}

#[test]
fn inputs_that_do_not_fit_are_refused() {
    let three = NpzFile::new().with("x", "<f8", &[1, 3], doubles(&[1.0; 3]));
    let whole = npz(&[], &[0.5; 400]);
    let table: [(&str, &[u8], &str); 13] = [
        (
            "q.npz",
            &npz(&["a", "c"], &[1.0, 2.0]),
            "no column \"b\"; the columns there are: a, c",
        ),
        (
            "q.npz",
            &npz(&["a"], &[1.0, 2.0]),
            "\"x_names\": expected shape (2), got (1)",
        ),
        (
            "q.npz",
            &npz(&[], &[1.0, 2.0, 3.0, f64::NAN]),
            "row 1 (from 0), column \"b\"",
        ),
        ("q.npz", &npz(&[], &[1.0, 1e39]), "1e39"),
        ("q.npz", &npz(&[], &[]), "at least one row"),
        ("q.npz", &three.bytes(), "got (1, 3)"),
        ("q.npz", &whole[..whole.len() / 2], "cut short"),
        ("q.npz", b"", "an empty file"),
        ("q.csv", b"a\n1\n", "no column \"b\""),
        ("q.csv", b"a,b\n", "at least one row"),
        ("q.csv", b"a,b\n1,2\n\n\n1,1e39\n", "line 5, column \"b\""),
        (
            "q.csv",
            b"\xef\xbb\xbfa,b\n1,2\n\nx,2\n",
            "line 4, column \"a\"",
        ),
        ("q.csv", b"a,b\n1,2\n3\n", "line 3: expected 2 cells"),
    ];
    for (file, bytes, expected) in table {
        let error = read(file, bytes, 2).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

/// Damage to the elements is detected although they are never held all together.
#[test]
fn damaged_elements_are_found_by_their_checksum() {
    let mut whole = NpzFile::new()
        .with("x", "<f8", &[200, 2], doubles(&[0.5; 400]))
        .stored_bytes();
    let place = whole.len() / 2;
    whole[place] ^= 1;
    let error = read("q.npz", &whole, 7).unwrap_err().to_string();
    assert!(error.contains("damaged"), "{error}");
}

#[test]
fn columns_without_names_are_taken_in_order_and_that_is_noted() {
    let folder = tempfile::tempdir().unwrap();
    let note = |file: &str, bytes: &[u8], names: &[String]| {
        let path = folder.path().join(file);
        std::fs::write(&path, bytes).unwrap();
        let input = InputRows::open(&path, names).unwrap();
        input.note().map(str::to_owned)
    };
    let unnamed = npz(&[], &[1.0, 2.0]);
    let said = note("q.npz", &unnamed, &names()).unwrap();
    assert!(
        said.contains("taken in the emulator's order, a, b"),
        "{said}"
    );
    assert_eq!(
        note("q.npz", &npz(&["b", "a"], &[1.0, 2.0]), &names()),
        None
    );
    assert_eq!(note("q.csv", b"b,a\n1,2\n", &names()), None);
    let numbers = ["x0".to_owned(), "x1".to_owned()];
    assert_eq!(note("q.npz", &unnamed, &numbers), None);
}
