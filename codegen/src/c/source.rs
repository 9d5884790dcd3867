//! `PREFIX.c`: the functions that are called, the constants, the call and the self-test.

use super::arrays;
use super::calls::Body;
use super::functions::{self, LATER};
use super::names::guarded;
use super::options::FreezeOptions;
use crate::emulator::Emulator;
use crate::image::Image;
use crate::local::Local;
use crate::plan::BufferPlan;
use crate::rust::literals;
use crate::template::fill_also;
use dense_runtime::self_test::table;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Entries of the checksum's table, unless the program asks for the other size.
const SMALL_TABLE: usize = 16;

/// The code that reads the constants, and the constants.
pub(super) struct Source {
    functions: String,
    tables: String,
    predict: String,
    /// Bytes of the tables beside the constants: positions of convolutions, and the checksum's.
    pub(super) table_bytes: usize,
    /// The constants in each of the interpreter's orders.
    pub(super) images: [Image; 2],
}

impl Source {
    pub(super) fn new(emulator: &Emulator) -> Self {
        let plan = BufferPlan::new(emulator.graph(), emulator.members());
        let body = Body::new(emulator, &plan);
        let (predict, called) = predict(emulator, &plan, &body);
        let functions = functions::text(emulator, &called);
        let tables = body.tables();
        let members = emulator.members().len();
        let code = format!("{members}\n{functions}{tables}{predict}");
        Self {
            images: arrays::images(emulator, &code),
            table_bytes: body.table_bytes() + 4 * SMALL_TABLE,
            functions,
            tables,
            predict,
        }
    }

    /// The file's text.
    pub(super) fn text(&self, options: &FreezeOptions) -> String {
        let mut text = String::from(include_str!("templates/prelude.c.txt"));
        text += &self.functions;
        text += &arrays::text(&self.images);
        text += &self.tables;
        text += &self.predict;
        let values = [
            ("crc_16", &crc_entries::<SMALL_TABLE>()[..]),
            ("crc_256", &crc_entries::<256>()),
        ];
        text += &fill_also(include_str!("templates/image.c.txt"), &values, &LATER);
        text += include_str!("templates/self_test.c.txt");
        let text = in_sections(guarded(&text), options);
        options.prefix.fill(&text, &[])
    }
}

/// The entries of a checksum's table.
fn crc_entries<const ENTRIES: usize>() -> String {
    let entries = table::<ENTRIES>().map(|entry| format!("{entry:#010X}u"));
    literals(entries.into_iter())
}

/// The file with its constants and functions in the requested sections.
fn in_sections(text: String, options: &FreezeOptions) -> String {
    const NUMBERS: &str = "static const struct {{prefix}}_weights {{PREFIX}}_BUILT_IN";
    let (numbers, code) = (&options.section, &options.code_section);
    let mut attributes = String::new();
    for (section, name, what) in [
        (numbers, "IN_WEIGHTS", "the numbers"),
        (code, "IN_CODE", "the functions"),
    ] {
        if let Some(section) = section {
            let _ = write!(
                attributes,
                "\n/* Where the linker finds {what}. */\n#if defined(__GNUC__) || defined(__clang__)\n\
                 #define {{{{PREFIX}}}}_{name} __attribute__((__section__(\"{section}\")))\n#else\n\
                 #error \"{{{{prefix}}}}: this compiler has no attribute for sections: freeze without them\"\n#endif\n"
            );
        }
    }
    let mut placed = String::new();
    for line in text.lines() {
        // Only definitions begin a line with a type; those of constants have no parenthesis.
        let starts = ["static ", "int32_t ", "uint32_t "];
        let is_function = starts.iter().any(|start| line.starts_with(start))
            && line.contains('(')
            && !line.contains('=');
        if code.is_some() && is_function {
            placed += "{{PREFIX}}_IN_CODE ";
        }
        if numbers.is_some() && line.starts_with(NUMBERS) {
            placed += "{{PREFIX}}_IN_WEIGHTS ";
        }
        placed += line;
        placed.push('\n');
        if line.starts_with("#include <string.h>") {
            placed += &attributes;
        }
    }
    placed
}

/// `PREFIX_predict`, and the functions that it calls.
fn predict(
    emulator: &Emulator,
    plan: &BufferPlan,
    body: &Body,
) -> (String, BTreeSet<&'static str>) {
    let mut called = body.functions.clone();
    called.extend(["check", "completed"]);
    let mut slots = String::new();
    let mut assignments = String::new();
    let mut offset = 0;
    for (slot, size) in plan.sizes().iter().enumerate() {
        let _ = writeln!(slots, "    float *slot{slot}; /* {size} numbers */");
        let _ = writeln!(
            assignments,
            "    slot{slot} = workspace->values + {offset};"
        );
        offset += size;
    }
    slots += "    int32_t code;\n";
    if body.has_loops() {
        slots += "    size_t k;\n";
    }
    let Local {
        error_scale,
        coverage,
    } = emulator.local();
    let mut local = String::new();
    if let Some(coverage) = coverage {
        called.insert("far_from_data");
        let count = coverage.count();
        let _ = writeln!(
            local,
            "    here.is_far = far_from_data(weights->ranges, weights->data_centre, weights->data_per, weights->data_whitening,\n\
            \x20                               {count}, weights->data_centres, weights->data_square_radius, slot0, here.non_finite);"
        );
    }
    if error_scale.is_some() {
        called.insert("error_scale");
        slots += "    float scale;\n";
        local += include_str!("templates/error_scale.c.txt");
    }
    let values = [
        ("local", &local[..]),
        ("slots", &slots),
        ("assignments", &assignments),
        ("calls", &body.text),
    ];
    let text = fill_also(include_str!("templates/predict.c.txt"), &values, &LATER);
    (text, called)
}
