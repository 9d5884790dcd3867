//! `PREFIX.h`: the interface, shared by the C file and the static library.

use super::arrays::{comment, flash_bytes, number, string};
use super::costs::CCosts;
use super::names::guarded;
use super::options::{ABI, Prefix};
use crate::emulator::Emulator;
use crate::plan::BufferPlan;
use crate::rust::{golden_inputs, literals};
use std::fmt::Write as _;

/// Floats in the vector to which the library's buffers are aligned, on processors with vectors.
const ALIGNMENT: usize = 16;

/// The header's statement of memory use.
pub(super) struct Memory<'a> {
    /// Bytes of all constants in flash.
    pub(super) numbers: usize,
    /// Bytes of the other tables.
    pub(super) tables: usize,
    /// Code and stack on the requested processor, or the reason why they are not known.
    pub(super) costs: Option<&'a Result<CCosts, String>>,
}

/// The file's text.
pub(super) fn text(emulator: &Emulator, prefix: &Prefix, memory: &Memory<'_>) -> String {
    let plan = BufferPlan::new(emulator.graph(), emulator.members());
    let [members, inputs, outputs] = [
        emulator.members().len(),
        emulator.input_count(),
        emulator.output_count(),
    ];
    let padded = plan
        .sizes()
        .iter()
        .map(|size| size.next_multiple_of(ALIGNMENT));
    let number = |number: usize| number.to_string();
    let macros = prefix.0.to_uppercase();
    let values = [
        ("abi", &ABI.to_string()[..]),
        ("members", &number(members)),
        ("member_count", &number(members)),
        ("input_count", &number(inputs)),
        ("output_count", &number(outputs)),
        (
            "relative",
            match emulator.outputs().relative {
                None => "",
                Some(_) => "\n * and offsets or scales, for arrays of double",
            },
        ),
        ("macs", &emulator.macs().to_string()),
        ("flash", &number(flash_bytes(emulator))),
        ("vectors", &number(golden_inputs(emulator).len())),
        ("workspace_arm", &number(plan.sizes().iter().sum())),
        ("workspace", &number(padded.sum::<usize>() + ALIGNMENT - 1)),
        ("names", &names(emulator, &macros)),
        ("memory", &memory.text(emulator, prefix)),
        ("inputs", &input_table(emulator)),
        ("outputs", &outputs_line(emulator, &macros)),
    ];
    prefix.fill(&guarded(include_str!("templates/header.h.txt")), &values)
}

impl Memory<'_> {
    /// Lines of the header's first comment.
    fn text(&self, emulator: &Emulator, prefix: &Prefix) -> String {
        let Self {
            numbers, tables, ..
        } = self;
        let name = prefix.as_str();
        let workspace = 4 * BufferPlan::new(emulator.graph(), emulator.members())
            .sizes()
            .iter()
            .sum::<usize>();
        let results = 4 * (emulator.input_count() + 2 * emulator.output_count());
        let mut text = format!(
            " * What {name}.c takes in memory:\n \
             *   flash  {numbers} bytes of numbers, {tables} of tables\n \
             *   RAM    no statics; of the caller's {workspace} bytes of workspace (on Arm; elsewhere there is room to align), {results} of \
             input and results\n"
        );
        let _ = match self.costs {
            None => writeln!(
                text,
                " *   code and stack depend on the compiler: freeze with --target cortex-m4 or the like to have them stated here"
            ),
            Some(Err(missing)) => writeln!(
                text,
                " *   code and stack are not known: they need {}",
                comment(missing)
            ),
            Some(Ok(costs)) => writeln!(
                text,
                " *   code   {} bytes\n *   stack  {} bytes of a call, {} of the self-test, beside what is beyond this file: {}\n \
                 *   (code and stack by {})",
                costs.code_bytes,
                costs.stack_bytes,
                costs.self_test_stack_bytes,
                comment(&costs.calls.join(", ")),
                comment(&costs.compiler)
            ),
        };
        text
    }
}

fn input_table(emulator: &Emulator) -> String {
    let mut text = String::new();
    for (index, input) in emulator.inputs().iter().enumerate() {
        let scale = if input.logarithmic {
            "logarithmic"
        } else {
            "linear"
        };
        let name = comment(&input.name);
        let _ = writeln!(
            text,
            " *   x[{index}]  {name}, {} to {}, {scale}",
            limit(input.low),
            limit(input.high)
        );
    }
    text
}

/// A limit in a readable format.
fn limit(value: f64) -> String {
    match value.abs() {
        0.0 | 1e-3..1e5 => value.to_string(),
        _ => format!("{value:e}"),
    }
}

fn outputs_line(emulator: &Emulator, prefix: &str) -> String {
    let outputs = emulator.outputs();
    let mut text = format!("{:?} of shape {:?}", outputs.layout, outputs.shape);
    if !outputs.names.is_empty() {
        let names: Vec<_> = outputs.names.iter().map(|name| comment(name)).collect();
        let _ = write!(text, "; {}", names.join(", "));
    }
    for axis in &outputs.axes {
        if let [first, .., last] = axis.values[..] {
            let (name, points) = (comment(&axis.name), axis.values.len());
            let _ = write!(
                text,
                ";\n *   along {name}, {points} points from {first} to {last}"
            );
        }
    }
    if let Some(relative) = &outputs.relative {
        let term = |there, text: &str| {
            if there {
                format!("{prefix}_{text} ")
            } else {
                String::new()
            }
        };
        let offset = term(relative.has_offset(), "OFFSET[j] +");
        let scale = term(relative.has_scale(), "SCALE[j] *");
        let _ = write!(
            text,
            ";\n *   float cannot represent them: output j is {offset}{scale}(double)mean[j],\n *   its standard deviation \
             {scale}(double)std[j]"
        );
    }
    text
}

/// Limits and names as macros that initialise an array.
fn names(emulator: &Emulator, prefix: &str) -> String {
    let domain = emulator.domain();
    let numbers = |value: fn(&crate::domain::Range) -> f32| {
        domain
            .iter()
            .map(|range| number(value(range)))
            .collect::<Vec<_>>()
    };
    let input_names = emulator
        .inputs()
        .iter()
        .map(|input| string(&input.name))
        .collect();
    let mut macros = vec![
        ("INPUT_LOW", numbers(|range| range.low)),
        ("INPUT_HIGH", numbers(|range| range.high)),
        (
            "INPUT_CENTRE",
            numbers(|range| range.low * 0.5 + range.high * 0.5),
        ),
        ("INPUT_NAMES", input_names),
    ];
    let output_names: Vec<_> = emulator
        .outputs()
        .names
        .iter()
        .map(|name| string(name))
        .collect();
    if !output_names.is_empty() {
        macros.push(("OUTPUT_NAMES", output_names));
    }
    if let Some(relative) = &emulator.outputs().relative {
        let numbers = |values: &[f64]| values.iter().map(|value| format!("{value:?}")).collect();
        if relative.has_offset() {
            macros.push(("OFFSET", numbers(&relative.offset)));
        }
        if relative.has_scale() {
            macros.push(("SCALE", numbers(&relative.scale)));
        }
    }
    let mut text = String::new();
    for (name, items) in macros {
        let lines = literals(items.into_iter()).replace('\n', " \\\n");
        let _ = writeln!(text, "#define {prefix}_{name} {{{lines}}}");
    }
    text
}
