//! The C file on compilers and programs that compute floats in other ways. Where they are wider, it
//! is rejected with advice that helps. Near the smallest normal float, its results are exact or
//! zero.

use dense_codegen::c::{Prefix, emit};
use dense_codegen::interpreter::{Order, interpret_f32};
use dense_tests::c::{FLAGS, is_there, succeeds};
use dense_tests::modules::write;
use dense_tests::networks::near_underflow;
use dense_tests::rows::random_rows;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Writes the emulator's C file and header.
fn written(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("c_floats")
        .join(name);
    let prefix = Prefix::new("emulator").expect("a prefix");
    for (path, text) in emit(&near_underflow(), &prefix.into()) {
        write(&folder.join(path), text);
    }
    // The part of a C library that the file needs, for compilers without one.
    let header =
        "#include <stddef.h>\nvoid *memcpy(void *restrict, const void *restrict, size_t);\n";
    write(&folder.join("headers/string.h"), header);
    folder
}

/// A compiler's message about the file; `None` if it compiles.
fn said(folder: &Path, compiler: &str, flags: &[&str]) -> String {
    let output = Command::new(compiler)
        .args(["-ffreestanding", "-isystem", "headers", "-fsyntax-only"])
        .args(flags)
        .arg("emulator.c")
        .current_dir(folder)
        .output()
        .expect("the compiler starts");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), !said.contains("error"), "{said}");
    said
}

#[test]
fn every_way_to_compute_floats_in_a_wider_format_is_refused_with_advice() {
    if !is_there("gcc", "gcc") {
        return;
    }
    let folder = written("methods");
    let with = |method: &str, processor: &[&str]| {
        let method = format!("-D__FLT_EVAL_METHOD__={method}");
        let flags = ["-std=c99", "-U__FLT_EVAL_METHOD__", &method];
        said(&folder, "gcc", &[&flags, processor].concat())
    };
    for method in ["0", "16", "32"] {
        assert_eq!(with(method, &[]), "", "{method}");
    }
    let other = ["-U__x86_64__", "-U__i386__"];
    let [s390x, m68k, i386] = ["-D__s390x__", "-D__m68k__", "-D__i386__"];
    for method in ["-1", "1", "2", "33", "64", "65", "128", "129"] {
        for (processor, advice) in [
            (&[][..], "-msse2 -mfpmath=sse"),
            (&["-U__x86_64__", i386], "-msse2 -mfpmath=sse"),
            (
                &[other[0], other[1], s390x],
                "-fexcess-precision=fast, or -std=gnu99",
            ),
            (&[other[0], other[1], m68k], "-m68040 or -msoft-float"),
            (&[other[0], other[1], "-U__GNUC__"], "FLT_EVAL_METHOD 0"),
        ] {
            let said = with(method, processor);
            assert!(said.contains(advice), "{method} {processor:?}: {said}");
        }
    }
}

#[test]
fn a_compiler_of_wider_floats_takes_the_file_once_its_advice_is_followed() {
    let folder = written("compilers");
    for (compiler, wide, advice, follows) in [
        (
            "gcc",
            &["-mfpmath=387"][..],
            "-mfpmath=sse",
            &["-msse2", "-mfpmath=sse"][..],
        ),
        (
            "gcc",
            &["-mfpmath=sse,387"],
            "-mfpmath=sse",
            &["-mfpmath=sse"],
        ),
        (
            "gcc",
            &["-m32", "-mno-sse"],
            "-msse2",
            &["-msse2", "-mfpmath=sse"],
        ),
        ("clang", &["-m32", "-mno-sse"], "-msse2", &["-msse2"]),
        ("clang-19", &["-m32", "-mno-sse"], "-msse2", &["-msse2"]),
        (
            "clang-19",
            &["-ffp-eval-method=double"],
            "without -ffp-eval-method",
            &["-ffp-eval-method=source"],
        ),
        (
            "clang-19",
            &["-ffp-eval-method=extended"],
            "without -ffp-eval-method",
            &["-ffp-eval-method=source"],
        ),
        (
            "s390x-linux-gnu-gcc",
            &[],
            "-fexcess-precision=fast",
            &["-fexcess-precision=fast"],
        ),
        ("s390x-linux-gnu-gcc", &[], "-std=gnu99", &["-std=gnu99"]),
        ("m68k-linux-gnu-gcc", &[], "-m68040", &["-m68040"]),
        ("m68k-linux-gnu-gcc", &[], "-msoft-float", &["-msoft-float"]),
    ] {
        // A test cannot require compilers for other processors.
        let is_native = ["gcc", "clang", "clang-19"].contains(&compiler);
        if !cfg!(target_arch = "x86_64")
            || (is_native && !is_there(compiler, compiler))
            || Command::new(compiler).arg("--version").output().is_err()
        {
            continue;
        }
        let flags = [&["-std=c99"], wide].concat();
        let refused = said(&folder, compiler, &flags);
        assert!(refused.contains(advice), "{compiler} {wide:?}: {refused}");
        let followed = [&flags[..], follows].concat();
        assert_eq!(
            said(&folder, compiler, &followed),
            "",
            "{compiler} {followed:?}"
        );
    }
}

/// Writes the means at all rows.
const MAIN: &str = r#"
#include "emulator.h"
#include <stdio.h>

int main(void)
{
    static emulator_workspace workspace;
    float x[EMULATOR_INPUTS], mean[EMULATOR_OUTPUTS], std[EMULATOR_OUTPUTS];
    FILE *const rows = fopen("rows", "rb"), *const out = fopen("out", "wb");
    if (rows == NULL || out == NULL) {
        return 1;
    }
    while (fread(x, sizeof x, 1, rows) == 1) {
        emulator_predict(&workspace, x, mean, std, NULL);
        if (fwrite(mean, sizeof mean, 1, out) != 1) {
            return 1;
        }
    }
    return fclose(out);
}
"#;

#[test]
fn near_the_smallest_normal_number_results_are_exact_or_zero_in_a_program_that_flushes() {
    let emulator = near_underflow();
    let folder = written("underflow");
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    let rows = random_rows(&emulator, 1000, &mut rng);
    let inside = rows.chunks(emulator.input_count());
    let expected: Vec<f32> = inside
        .flat_map(|x| interpret_f32(&emulator, x, Order::Separate).mean)
        .collect();
    let is_subnormal = |value: &&f32| value.is_subnormal();
    let subnormal = expected.iter().filter(is_subnormal).count();
    assert!(subnormal > 1000 && expected.len() > subnormal + 1000);
    let bytes: Vec<u8> = rows.iter().flat_map(|value| value.to_le_bytes()).collect();
    write(&folder.join("rows"), bytes);
    write(&folder.join("main.c"), MAIN);
    let results = |compiler: &str, link: &[&str]| -> Vec<f32> {
        for source in ["main", "emulator"] {
            let source = format!("{source}.c");
            succeeds(
                Command::new(compiler)
                    .current_dir(&folder)
                    .args(FLAGS)
                    .args(["-O2", "-c", &source]),
            );
        }
        let mut linked = Command::new(compiler);
        linked.current_dir(&folder).args(link);
        succeeds(linked.args(["main.o", "emulator.o", "-o", "program"]));
        succeeds(Command::new(folder.join("program")).current_dir(&folder));
        let bytes = fs::read(folder.join("out")).expect("results were written");
        let (words, _) = bytes.as_chunks();
        words.iter().map(|&word| f32::from_le_bytes(word)).collect()
    };
    for compiler in ["gcc", "clang"] {
        if !is_there(compiler, compiler) {
            continue;
        }
        let exact = results(compiler, &[]);
        assert_eq!(exact.len(), expected.len());
        for (got, expected) in exact.iter().zip(&expected) {
            let bits = |value: &f32| value.to_bits();
            assert!(
                bits(got) == bits(expected) || got.is_nan() && expected.is_nan(),
                "{got:e}, not {expected:e}"
            );
        }
        if !cfg!(target_arch = "x86_64") {
            continue;
        }
        // The effect of gcc's option at link time: the program's start-up code tells the processor
        // to flush.
        for (got, expected) in results(compiler, &["-ffast-math"]).iter().zip(&exact) {
            if expected.is_subnormal() {
                assert_eq!(*got, 0.0, "{expected:e} is flushed")
            } else {
                assert_eq!(got.to_bits(), expected.to_bits(), "{expected:e}")
            }
        }
    }
}
