//! The comparison of bits can fail: a frozen crate with a kernel that sums in another order fails
//! its own test.

use dense_codegen::Emulator;
use dense_codegen::rust::{FreezeOptions, freeze};
use dense_tests::cases::{CASES, EMULATORS};
use dense_tests::modules::write;
use dense_tests::networks::Network;
use dense_tests::random_graph::operations;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A line of a kernel, and its replacement with a loop reversed. If the kernel is rewritten, this
/// must follow.
struct Plant {
    /// The path below the folder of kernels.
    file: &'static str,
    written: &'static str,
    planted: &'static str,
}

/// The taps and input channels of a dense layer or a convolution.
const TAPS: Plant = Plant {
    file: "tiles.rs",
    written: "let i = done;",
    planted: "let i = sweep.run - 1 - done;",
};
/// The taps of a convolution with few outputs.
const FEW_OUTPUTS: Plant = Plant {
    file: "narrow.rs",
    written: "for j in 0..horizontal.taps {",
    planted: "for j in (0..horizontal.taps).rev() {",
};
/// The rows of taps, of which only images have several.
const ROWS: Plant = Plant {
    file: "sweep.rs",
    written: "let (mut x, mut row) = (line, rows);",
    planted: "let by = outer.wrapping_mul(2).wrapping_sub(self.outer.count).wrapping_sub(1);
            let mut x = line.wrapping_add(by.wrapping_mul(self.outer.x));
            let mut row = rows.wrapping_add(by.wrapping_mul(self.outer.rows));",
};

/// The test of the frozen crate that must detect it.
const GOLDEN: &str = "the_golden_vectors_come_out_bit_for_bit_and_no_stored_bit_has_changed";

#[test]
fn another_order_of_summation_in_one_kernel_turns_the_golden_test_red() {
    let planted = Planted::new("decoder", &Network::Decoder.emulator());
    planted.assert_turns_red(&[TAPS, FEW_OUTPUTS]);
}

#[test]
fn another_order_of_rows_of_taps_turns_the_golden_test_of_images_red() {
    let conv2d = "Conv2d { kernel: [3, 3] }";
    let case = CASES[..EMULATORS / 2]
        .iter()
        .find(|case| operations(&case.emulator).contains(conv2d))
        .expect("each half of the cases has every operation");
    let planted = Planted::new("images", &case.emulator);
    planted.assert_turns_red(&[ROWS]);
}

/// A frozen crate whose kernels will be changed.
struct Planted {
    frozen: PathBuf,
}

impl Planted {
    fn new(name: &str, emulator: &Emulator) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted_order");
        fs::create_dir_all(&folder).expect("a folder in the target folder");
        let frozen = folder.join(name);
        let options = FreezeOptions {
            crate_name: name.into(),
            ..FreezeOptions::default()
        };
        freeze(emulator, &frozen, &options).expect("the emulator is frozen");
        Self { frozen }
    }

    /// The crate passes its test as written, and fails it with one of the loops reversed.
    fn assert_turns_red(&self, plants: &[Plant]) {
        let as_written = self.golden_test();
        let said = String::from_utf8_lossy(&as_written.stderr);
        assert!(as_written.status.success(), "as written:\n{said}");
        for plant in plants {
            self.assert_turns_red_with(plant);
        }
    }

    fn assert_turns_red_with(&self, plant: &Plant) {
        let file = self
            .frozen
            .join("dense-runtime/src/kernels")
            .join(plant.file);
        let kernel = fs::read_to_string(&file).expect("the crate carries the kernel");
        assert!(
            kernel.contains(plant.written),
            "{} has no longer the line that is to be changed: {}",
            plant.file,
            plant.written
        );
        write(&file, kernel.replace(plant.written, plant.planted));
        let turned = self.golden_test();
        write(&file, kernel);
        let report = String::from_utf8_lossy(&turned.stdout);
        let said = String::from_utf8_lossy(&turned.stderr);
        assert!(
            !turned.status.success(),
            "{}: the other order passed",
            plant.file
        );
        assert!(
            report.contains(&format!("test {GOLDEN} ... FAILED")),
            "failed for another reason:\n{report}{said}"
        );
    }

    /// Runs the crate's own test.
    fn golden_test(&self) -> Output {
        Command::new(env!("CARGO"))
            .args(["test", "--quiet", "--offline", "--test", "golden"])
            .args(["--", "--exact", GOLDEN, "--format", "pretty"])
            .env("CARGO_TARGET_DIR", self.frozen.join("target"))
            .env_remove("RUSTFLAGS")
            .current_dir(&self.frozen)
            .output()
            .expect("cargo starts")
    }
}
