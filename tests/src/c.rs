//! A C program around emulators frozen to C: written, compiled, run, and compared with the
//! interpreter.

use crate::cases::Case;
use crate::modules::write;
use crate::retrained::retrained;
use crate::skip::skipped;
use dense_codegen::c::{Prefix, emit};
use dense_codegen::emulator::Emulator;
use dense_codegen::interpreter::{Order, Prediction, interpret_f32};
use dense_runtime::status::Status;
use rayon::prelude::*;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The flags that the C file asks of every compiler.
pub const FLAGS: [&str; 3] = ["-std=c99", "-ffp-contract=off", "-fno-math-errno"];

/// Every warning is an error.
const WARNINGS: [&str; 5] = ["-Wall", "-Wextra", "-Werror", "-pedantic", "-Wconversion"];

/// A folder with the C files of some cases, their rows, and a program that runs them.
#[derive(Debug)]
pub struct CProgram<'a> {
    folder: PathBuf,
    cases: Vec<&'a Case>,
}

impl<'a> CProgram<'a> {
    /// Writes the emulators, `main` as the program, and `rows` rows of each case.
    ///
    /// # Panics
    /// The operating system fails.
    pub fn write(folder: &Path, cases: Vec<&'a Case>, main: &str, rows: usize) -> Self {
        let (mut headers, mut each) = (String::new(), String::new());
        for case in &cases {
            let name = case.name();
            for (path, text) in emit(&case.emulator, &prefix(case).into()) {
                write(&folder.join(path), text);
            }
            let numbers = case.rows.iter().take(rows * case.emulator.input_count());
            let bytes: Vec<u8> = numbers.flat_map(|value| value.to_le_bytes()).collect();
            write(&folder.join(format!("{}.rows", case.number)), bytes);
            headers += &format!("#include \"{name}.h\"\n");
            each += &format!(
                " \\\n    CALL({name}, {}, {})",
                name.to_uppercase(),
                case.number
            );
        }
        let text = format!("{headers}\n#define EACH_EMULATOR(CALL){each}\n");
        write(&folder.join("emulators.h"), text);
        write(&folder.join("program.c"), main);
        Self {
            folder: folder.into(),
            cases,
        }
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The macros that select the order without a fused multiply-add for every emulator.
    #[must_use]
    pub fn no_fma(&self) -> Vec<&'static str> {
        let define = |case: &&Case| format!("-D{}_NO_FMA", case.name().to_uppercase());
        // A few leaked words, for the life of a test.
        self.cases
            .iter()
            .map(|case| &*define(case).leak())
            .collect()
    }

    /// The names of all C files.
    #[must_use]
    pub fn sources(&self) -> Vec<String> {
        let emulators = self.cases.iter().map(|case| format!("{}.c", case.name()));
        emulators.chain(["program.c".into()]).collect()
    }

    /// Compiles all files, which must give no warning, in parallel on all cores, links them to a
    /// program and returns its path.
    ///
    /// # Panics
    /// A file does not compile, or the program does not link.
    #[must_use]
    pub fn compiled(&self, compiler: &str, flags: &[&str]) -> PathBuf {
        self.linked(compiler, flags, &self.sources(), &[])
    }

    /// As [`CProgram::compiled`] for these sources alone, with more arguments for the linker.
    ///
    /// # Panics
    /// Those of [`CProgram::compiled`].
    #[must_use]
    pub fn linked(
        &self,
        compiler: &str,
        flags: &[&str],
        sources: &[String],
        link: &[String],
    ) -> PathBuf {
        let mut name = [&[compiler], flags].concat().join("_");
        name.truncate(120);
        let objects = self.folder.join(name.replace(['/', '=', ' '], "_"));
        fs::create_dir_all(&objects).expect("the folder can be made");
        let object = |source: &String| objects.join(source).with_extension("o");
        let command = || {
            let mut command = Command::new(compiler);
            command.current_dir(&self.folder).args(flags);
            command
        };
        sources.par_iter().for_each(|source| {
            let mut compile = command();
            compile.args(WARNINGS).args(["-c", source, "-o"]);
            succeeds(compile.arg(object(source)));
        });
        let program = objects.join("program");
        let mut program_of = command();
        program_of.args(sources.iter().map(object)).args(link);
        succeeds(program_of.arg("-o").arg(&program));
        program
    }

    /// Writes the input of `swap.c`: for each case, its image with other constants, the image of
    /// the next case, and the identity of the first; `image` returns that of the C file or of the
    /// library.
    pub fn write_images(&self, image: impl Fn(&Emulator) -> Vec<u8>) {
        let next = self.cases.iter().cycle().skip(1);
        for (case, next) in self.cases.iter().zip(next) {
            let file = |end: &str| self.folder.join(format!("{}.{end}", case.number));
            let (other, image_of_other) = (other(case), image(&other(case)));
            write(&file("identity"), identity(&other, &image_of_other));
            write(&file("image"), image_of_other);
            write(&file("other"), image(&next.emulator));
        }
    }

    /// Compares the results of a run for every case with the interpreter's in that order.
    ///
    /// # Panics
    /// At the first difference.
    pub fn assert_same_bits(&self, order: Order) {
        for case in &self.cases {
            self.assert_same_bits_of(case, &case.emulator, order);
        }
    }

    /// As [`CProgram::assert_same_bits`], after the constants of [`CProgram::write_images`] were
    /// swapped in.
    ///
    /// # Panics
    /// At the first difference.
    pub fn assert_swapped_bits(&self, order: Order) {
        for case in &self.cases {
            self.assert_same_bits_of(case, &other(case), order);
        }
    }

    fn assert_same_bits_of(&self, case: &Case, emulator: &Emulator, order: Order) {
        let path = self.folder.join(format!("{}.out", case.number));
        let bytes = fs::read(&path).expect("the program wrote its results");
        fs::remove_file(&path).expect("the results can be removed");
        let inputs = emulator.input_count();
        let rows = fs::metadata(self.folder.join(format!("{}.rows", case.number)))
            .expect("the rows are there")
            .len() as usize
            / (4 * inputs);
        let expected: Vec<_> = case.rows[..rows * inputs]
            .par_chunks(inputs)
            .map(|row| interpret_f32(emulator, row, order))
            .collect();
        let (mean, std, status) = results(&bytes, emulator.output_count(), &expected);
        case.assert_same_bits(&expected, &mean, &std, &status);
    }
}

/// The emulator whose constants are swapped in.
fn other(case: &Case) -> Emulator {
    retrained(&case.emulator, 3)
}

/// The identity of an emulator's constants: structure, checksum, version and hash of the data as 13
/// words, then the trained box.
#[must_use]
pub fn identity(emulator: &Emulator, image: &[u8]) -> Vec<u8> {
    let mut bytes = image[image.len() - 8..].to_vec();
    let version = env!("CARGO_PKG_VERSION").split('.');
    let version = version.map(|part| part.parse::<u32>().expect("a release has three numbers"));
    let hash = emulator.provenance()["data_sha256"].as_str();
    let hash = hash.expect("the hash is text");
    let hash = (0..8).map(|word| {
        u32::from_str_radix(&hash[8 * word..][..8], 16).expect("the hash is hexadecimal")
    });
    bytes.extend(version.chain(hash).flat_map(u32::to_le_bytes));
    let domain = emulator.domain();
    let limits = domain.iter().map(|range| range.low);
    let limits = limits.chain(domain.iter().map(|range| range.high));
    bytes.extend(limits.flat_map(f32::to_le_bytes));
    bytes
}

/// The prefix of a case.
///
/// # Panics
/// Never: a case's name is an identifier.
#[must_use]
pub fn prefix(case: &Case) -> Prefix {
    Prefix::new(&case.name()).expect("a case's name is an identifier")
}

/// Means, deviations and statuses of all rows; the code that each call returns must agree with its
/// status.
fn results(
    bytes: &[u8],
    outputs: usize,
    expected: &[Prediction<f32>],
) -> (Vec<f32>, Vec<f32>, Vec<Status>) {
    const STATUS_WORDS: usize = 8;
    let (words, _) = bytes.as_chunks::<4>();
    let (mut mean, mut std, mut status) = (Vec::new(), Vec::new(), Vec::new());
    for (row, expected) in words.chunks(STATUS_WORDS + 2 * outputs).zip(expected) {
        let word = |index: usize| u32::from_le_bytes(row[index]);
        let long = |index: usize| u64::from(word(index)) | u64::from(word(index + 1)) << 32;
        let said = Status {
            non_finite: long(1),
            outside: long(3),
            worst: word(5) as u8,
            excess: f32::from_bits(word(6)),
            far: word(7) != 0,
            overflow: word(0) & 4 != 0,
        };
        let Status {
            non_finite,
            outside,
            overflow,
            far,
            ..
        } = expected.status;
        let code = u32::from(non_finite != 0)
            + 2 * u32::from(outside != 0)
            + 4 * u32::from(overflow)
            + 16 * u32::from(far);
        assert_eq!(word(0), code, "the code of {:?}", expected.status);
        let numbers = row[STATUS_WORDS..]
            .iter()
            .map(|&word| f32::from_le_bytes(word));
        mean.extend(numbers.clone().take(outputs));
        std.extend(numbers.skip(outputs));
        status.push(said);
    }
    (mean, std, status)
}

/// Whether a tool exists; reports it if it does not.
#[must_use]
pub fn is_there(tool: &str, package: &str) -> bool {
    let there = Command::new(tool).arg("--version").output().is_ok();
    if !there {
        skipped(&format!("{tool}, install with apt-get install {package}"));
    }
    there
}

/// Runs a command, which must succeed.
///
/// # Panics
/// The command does not start, or fails.
pub fn succeeds(command: &mut Command) {
    let output = command.output().expect("the command starts");
    let (printed, said) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(
        output.status.success(),
        "{command:?}: {}\n{printed}{said}",
        output.status
    );
}
