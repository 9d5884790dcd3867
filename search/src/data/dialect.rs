//! Recognises tables of numbers that are not a `.csv` with commas and decimal points: describes the
//! format, and gives a command that converts it.
//! The first lines of a file are searched for comment lines (`#`, `%`), a header in such a line,
//! semicolons, tabs or blanks between cells, and decimal commas. A text that is a valid `.csv` with
//! commas is never taken for another format.

use crate::shell::shell_word;
use std::path::Path;

/// Number of bytes of a file that are examined.
pub(super) const HEAD: u64 = 1 << 14;

/// Describes the format of the table that begins with `head`, and what to do; `None` if its
/// separator is the comma. `file` is its path.
pub(super) fn foreign(head: &[u8], file: &str) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut lines: Vec<&str> = text.lines().collect();
    if head.len() as u64 >= HEAD {
        // The last line may be incomplete.
        lines.pop();
    }
    let is_comment = |line: &&str| line.trim_start().starts_with(['#', '%']);
    let first = lines.iter().position(|line| !line.trim().is_empty())?;
    let begin = first
        + lines[first..]
            .iter()
            .take_while(|line| is_comment(line))
            .count();
    let table: Vec<&str> = lines[first..]
        .iter()
        .copied()
        .filter(|line| !is_comment(line) && !line.trim().is_empty())
        .collect();
    let (mut looks, mut stages) = (Vec::new(), Vec::new());
    // A header in the last comment line, as numpy.savetxt writes it, followed by numbers.
    let commented = begin > first
        && table
            .first()
            .is_some_and(|line| Separator::of(line).is_some());
    let (header, rows) = if commented {
        looks.push("its names stand in a comment line");
        if begin > 1 {
            stages.push(format!("sed '1,{}d'", begin - 1));
        }
        stages.push("sed '1s/^[#%[:blank:]]*//'".to_owned());
        (
            lines[begin - 1].trim_start_matches(['#', '%', ' ', '\t']),
            &table[..],
        )
    } else {
        if lines.iter().any(is_comment) && table.len() > 1 {
            looks.push("it has comment lines");
            stages.push("grep -v '^[[:blank:]]*[#%]'".to_owned());
        }
        (*table.first()?, table.get(1..).unwrap_or_default())
    };
    let separator = rows.first().and_then(|line| Separator::of(line));
    let alike = |separator: &Separator| {
        let cells = separator.cells(header).len();
        cells > 1
            && rows.iter().all(|line| {
                let row = separator.cells(line);
                row.len() == cells && row.iter().all(|cell| decimal(cell).is_some())
            })
    };
    if let Some(separator) = separator.filter(alike) {
        let commas = |line: &&str| line.contains(',');
        let numbers = separator != Separator::Comma && rows.iter().any(commas);
        looks.extend(separator.looks());
        if numbers {
            looks.push("its numbers have decimal commas");
        }
        if numbers || (separator != Separator::Comma && commas(&header)) {
            stages.push("sed 's/,/./g'".to_owned());
        }
        stages.extend(separator.stages());
    } else if rows.iter().all(|line| paired(header, line)) && !rows.is_empty() {
        looks.push("each line has twice as many whole numbers as the header has names, as decimal commas make them");
        stages.push(r"sed '2,$s/\([^,]\{1,\}\),\([^,]\{1,\}\)/\1.\2/g'".to_owned());
    }
    advice(&looks, &stages, file)
}

/// Describes a cell that is not a number, and what to do, if its format is known.
pub(super) fn foreign_cell(cell: &str, file: &str) -> Option<String> {
    let is_decimal = decimal(cell) == Some(true);
    let stage = r#"sed '2,$s/"\([^",]*\),\([^",]*\)"/\1.\2/g'"#.to_owned();
    is_decimal
        .then(|| advice(&["its numbers have decimal commas"], &[stage], file))
        .flatten()
}

fn advice(looks: &[&str], stages: &[String], file: &str) -> Option<String> {
    if stages.is_empty() {
        return None;
    }
    let path = Path::new(file);
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let target = path.with_file_name(format!("{stem}-commas.csv"));
    let target = shell_word(&target.to_string_lossy());
    let (first, rest) = stages.split_first()?;
    let rest: String = rest.iter().map(|stage| format!(" | {stage}")).collect();
    Some(format!(
        "{}; expected a line of names, then lines of numbers with points, with commas between cells. This writes such a \
         file:\n  {first} < {}{rest} > {target}",
        looks.join(", "),
        shell_word(file)
    ))
}

/// The separator of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Comma,
    Semicolon,
    Tab,
    Blank,
}

impl Separator {
    /// The separator of the numbers in a line.
    fn of(line: &str) -> Option<Self> {
        let parts = |separator: &Self| {
            let cells = separator.cells(line);
            cells.len() > 1 && cells.iter().all(|cell| decimal(cell).is_some())
        };
        let all = [Self::Semicolon, Self::Tab, Self::Comma, Self::Blank];
        all.into_iter().find(parts)
    }

    fn cells(self, line: &str) -> Vec<&str> {
        let line = line.trim();
        match self {
            Self::Comma => line.split(',').collect(),
            Self::Semicolon => line.split(';').collect(),
            Self::Tab => line.split('\t').collect(),
            Self::Blank => line.split_whitespace().collect(),
        }
    }

    fn looks(self) -> Option<&'static str> {
        match self {
            Self::Comma => None,
            Self::Semicolon => Some("its cells are separated by semicolons"),
            Self::Tab => Some("its cells are separated by tabs"),
            Self::Blank => Some("its cells are separated by blanks"),
        }
    }

    fn stages(self) -> Vec<String> {
        let stages: &[&str] = match self {
            Self::Comma => &[],
            Self::Semicolon => &["tr ';' ','"],
            Self::Tab => &["tr '\\t' ','"],
            Self::Blank => &[
                "sed 's/^[[:blank:]]*//; s/[[:blank:]]*$//'",
                "tr -s '[:blank:]' ','",
            ],
        };
        stages.iter().map(|&stage| stage.to_owned()).collect()
    }
}

/// Whether a cell is a number (`Some`), and whether it has a decimal comma.
pub(crate) fn decimal(cell: &str) -> Option<bool> {
    let cell = cell.trim().trim_matches('"').trim();
    if cell.parse::<f64>().is_ok() {
        return Some(false);
    }
    let (whole, rest) = cell.split_once(',')?;
    let digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
    let flanked = digit(whole.chars().next_back()) && digit(rest.chars().next());
    let number = flanked && !cell.contains('.') && format!("{whole}.{rest}").parse::<f64>().is_ok();
    number.then_some(true)
}

/// Whether a line has an integer and its decimals for each name.
fn paired(header: &str, line: &str) -> bool {
    let names = header.split(',').count();
    let cells: Vec<&str> = line.split(',').map(str::trim).collect();
    let whole = |cell: &str| {
        let digits = cell.strip_prefix(['-', '+']).unwrap_or(cell);
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    cells.len() == 2 * names
        && cells
            .chunks_exact(2)
            .all(|pair| whole(pair[0]) && whole(pair[1]))
}

#[cfg(test)]
mod tests {
    use super::super::csv;
    use super::*;

    #[test]
    fn foreign_tables_are_known_and_the_line_that_is_advised_makes_them_readable() {
        let folder = tempfile::tempdir().unwrap();
        let table = [
            (
                "a;b\n0,5;1\n2,25;-3e-2\n",
                "semicolons, its numbers have decimal commas",
            ),
            ("a;b\n0.5;1\n2.25;-3e-2\n", "semicolons"),
            (
                "\"a\";\"b\"\n\"0,5\";\"1\"\n\"2,25\";\"-3e-2\"\n",
                "semicolons",
            ),
            (
                "a\tb\r\n0,5\t1\r\n2,25\t-3e-2\r\n",
                "tabs, its numbers have decimal commas",
            ),
            ("a   b\n 0.5 1\n 2.25   -3e-2 \n", "blanks"),
            ("a,b\n0,5,1,0\n2,25,-0,03\n", "twice as many"),
            ("a,b\n\"0,5\",1\n\"2,25\",\"-0,03\"\n", "decimal commas"),
            (
                "# made by hand\na,b\n0.5,1\n# a pause\n2.25,-3e-2\n",
                "comment lines",
            ),
            (
                "# a,b\n0.5,1\n2.25,-3e-2\n",
                "names stand in a comment line",
            ),
            (
                "# run 7\n#\n# a b\n5.0e-1 1\n2.25 -3e-2\n",
                "comment line, its cells are separated by blanks",
            ),
            (
                "% a;b\n0,5;1\n2,25;-3e-2\n",
                "semicolons, its numbers have decimal commas",
            ),
        ];
        let names = ["a".to_owned(), "b".to_owned()];
        for (number, (text, expected)) in table.into_iter().enumerate() {
            let path = folder.path().join(format!("it's {number}.csv"));
            let file = path.display().to_string();
            std::fs::write(&path, text).unwrap();
            let error = csv::read(text.as_bytes(), &file, &names)
                .unwrap_err()
                .to_string();
            assert!(error.contains(expected), "{expected}: {error}");
            if cfg!(unix) {
                let line = error.lines().last().unwrap();
                let typed = std::process::Command::new("sh").args(["-c", line]).status();
                assert!(typed.unwrap().success(), "{line}");
                let made = folder.path().join(format!("it's {number}-commas.csv"));
                let columns = csv::read(&std::fs::read(made).unwrap(), "", &names).unwrap();
                assert_eq!(columns.values, [0.5, 1.0, 2.25, -0.03], "{line}");
            }
        }
    }

    #[test]
    fn a_csv_with_commas_is_never_taken_for_another() {
        for text in [
            "a,b\n1,2\n",
            "a\n1\n",
            "a , b\n 1 ,\t2\n",
            "a b,c\n1,2\n3,4\n",
            "x;y,b\n1,2\n",
            "a,b,c,d\n1,2,3,4\n",
            "a,b\n1,#\n",
            "a,b\n1;5,2;6\n",
            "a,b",
            "",
        ] {
            assert_eq!(foreign(text.as_bytes(), "t.csv"), None, "{text:?}");
        }
    }
}
