//! The report: the costs of one member and of the shipped call, as values, JSON and text.

use super::model;
use super::probe::{Bench, Probe};
use super::processor::Processor;
use crate::emulator::Emulator;
use crate::plan::BufferPlan;
use serde::Serialize;
use std::fmt;

/// The cost of an emulator on a processor.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The processor's name.
    pub processor: &'static str,
    /// The compiler that built the measured program; `None` if flash and RAM are predicted.
    pub compiler: Option<String>,
    /// The rounding of product and sum: `fused` or `separate`.
    pub order: &'static str,
    /// The largest member alone.
    pub one_member: Costs,
    /// The shipped call: all members, their mean and standard deviation.
    pub shipped: Costs,
    /// The meaning of the figures, and what they leave out.
    pub notes: Vec<&'static str>,
}

/// Bytes, instructions and cycles; flash and RAM are those of the linked program minus those of the
/// program without the emulator.
#[derive(Clone, Debug, Serialize)]
pub struct Costs {
    /// Multiply-accumulates of one call.
    pub macs: u64,
    /// Everything in flash: code and constants.
    pub flash_bytes: usize,
    /// Instructions alone.
    pub code_bytes: usize,
    /// Weights, calibration and golden vectors.
    pub constant_bytes: usize,
    /// Writable statics, without memory that the caller owns.
    pub static_ram_bytes: usize,
    /// The caller's workspace.
    pub workspace_bytes: usize,
    /// The caller's input, mean and standard deviation.
    pub results_bytes: usize,
    /// Deepest stack of one call, measured in painted memory.
    pub stack_bytes: Option<usize>,
    /// An upper bound of it: the deepest path of calls, by the frames that the compiler states.
    pub stack_bound_bytes: Option<usize>,
    /// The deepest stack of the self-test, which keeps its own results there.
    pub self_test_stack_bytes: Option<usize>,
    /// Fewest and most instructions of a call among ordinary, zero, NaN, infinite, denormal and
    /// huge inputs.
    pub instructions: Option<[u32; 2]>,
    /// An estimated range of cycles.
    pub cycles: Option<[u64; 2]>,
}

impl Report {
    /// Measures an emulator on a bench.
    ///
    /// # Errors
    /// The message of the compiler or QEMU, or the self-test failed there.
    pub fn measure(emulator: &Emulator, bench: &Bench) -> Result<Self, String> {
        let processor = bench.processor();
        let largest = largest_member(emulator);
        let costs = |emulator: &Emulator| -> Result<Costs, String> {
            let probe = bench.measure(emulator)?;
            if !probe.self_test {
                return Err(format!("the self-test does not pass on {processor}"));
            }
            Ok(Costs::of(emulator, &probe, processor))
        };
        let shipped = costs(emulator)?;
        let one_member = match emulator.members().len() {
            1 => shipped.clone(),
            _ => costs(&largest)?,
        };
        let mut notes = vec![
            "flash and RAM: difference of the linked programs with and without the emulator",
            "instructions: counted in QEMU (-icount shift=0), guard and statistics included",
        ];
        notes.extend(assumptions(processor));
        let toolchain = bench.toolchain();
        Ok(Self {
            processor: processor.name(),
            compiler: Some(format!("{} ({})", toolchain.version, toolchain.name)),
            order: order(processor),
            one_member,
            shipped,
            notes,
        })
    }
}

impl Report {
    /// Predicts flash and RAM on a machine without a toolchain; stack, instructions and cycles are
    /// left open.
    #[must_use]
    pub fn predict(emulator: &Emulator, processor: Processor) -> Self {
        Self {
            processor: processor.name(),
            compiler: None,
            order: order(processor),
            one_member: Costs::predicted(&largest_member(emulator), processor),
            shipped: Costs::predicted(emulator, processor),
            notes: vec![
                "flash: constants are counted, code is a model's; the rest needs a toolchain",
            ],
        }
    }
}

fn order(processor: Processor) -> &'static str {
    if processor.is_fused() {
        "fused"
    } else {
        "separate"
    }
}

/// Bytes of the caller's workspace, and of its input and results.
fn memory(emulator: &Emulator) -> [usize; 2] {
    let workspace = 4 * BufferPlan::new(emulator.graph(), emulator.members())
        .sizes()
        .iter()
        .sum::<usize>();
    let results = 4 * (emulator.input_count() + 2 * emulator.output_count());
    [workspace, results]
}

impl Costs {
    fn predicted(emulator: &Emulator, processor: Processor) -> Self {
        let [workspace_bytes, results_bytes] = memory(emulator);
        let (code_bytes, constant_bytes) =
            (model::code(emulator, processor), model::constants(emulator));
        Self {
            macs: emulator.macs(),
            flash_bytes: code_bytes + constant_bytes,
            code_bytes,
            constant_bytes,
            static_ram_bytes: 0,
            workspace_bytes,
            results_bytes,
            stack_bytes: None,
            stack_bound_bytes: None,
            self_test_stack_bytes: None,
            instructions: None,
            cycles: None,
        }
    }

    fn of(emulator: &Emulator, probe: &Probe, processor: Processor) -> Self {
        let [workspace, results] = memory(emulator);
        let fewest = probe.instructions.iter().min().copied().unwrap_or(0);
        let most = probe.instructions.iter().max().copied().unwrap_or(0);
        Self {
            macs: emulator.macs(),
            flash_bytes: probe.flash,
            code_bytes: probe.code,
            constant_bytes: probe.flash - probe.code,
            static_ram_bytes: probe.ram.saturating_sub(workspace + results),
            workspace_bytes: workspace,
            results_bytes: results,
            stack_bytes: Some(probe.stack),
            stack_bound_bytes: probe.stack_bound,
            self_test_stack_bytes: Some(probe.self_test_stack),
            instructions: Some([fewest, most]),
            cycles: Some(cycles(processor, [fewest, most], emulator.macs())),
        }
    }
}

/// The member with the most multiply-accumulates as an emulator of its own.
fn largest_member(emulator: &Emulator) -> Emulator {
    let alone = |&member: &_| {
        let mut parts = emulator.clone().into_parts();
        parts.members = vec![member];
        Emulator::new(parts).expect("a member of an emulator is one")
    };
    let members = emulator.members().iter().map(alone);
    members
        .max_by_key(Emulator::macs)
        .expect("an emulator has a member")
}

/// A range of cycles: see [`assumptions`].
fn cycles(processor: Processor, [fewest, most]: [u32; 2], macs: u64) -> [u64; 2] {
    let (fewest, most) = (u64::from(fewest), u64::from(most));
    match processor {
        // A VFMA is one of the instructions, and takes two more cycles; of the 24 words that
        // sixteen of them load, each takes one cycle more than the instruction that loads it.
        Processor::CortexM4 => [fewest + 2 * macs + macs / 2, most + 3 * macs + 2 * macs],
        Processor::CortexM7 => [macs.max(fewest / 2), most + macs],
        Processor::CortexM3 | Processor::CortexM0 => [fewest, 2 * most],
    }
}

/// The assumptions behind the range of cycles.
fn assumptions(processor: Processor) -> &'static [&'static str] {
    match processor {
        Processor::CortexM4 => &[
            "cycles, low: a VFMA takes 3, a load of n words 1 + n, any other instruction 1; flash without wait states",
            "cycles, high: besides, a stall after each VFMA, and 5 wait states for each 16 bytes of weights",
        ],
        Processor::CortexM7 => &[
            "cycles, low: two instructions a cycle, of them one VFMA; weights in the cache or tightly coupled memory",
            "cycles, high: one instruction a cycle, and a cycle more for each multiply-accumulate's weight",
        ],
        Processor::CortexM3 | Processor::CortexM0 => &[
            "cycles: one to two an instruction; numbers are computed in software, whose work depends on them",
        ],
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (one, all) = (&self.one_member, &self.shipped);
        writeln!(
            formatter,
            "{}, product and sum rounded: {}",
            self.processor, self.order
        )?;
        match &self.compiler {
            Some(compiler) => writeln!(formatter, "compiled by {compiler}\n")?,
            None => writeln!(formatter, "predicted, for want of a toolchain\n")?,
        }
        writeln!(
            formatter,
            "{:<26}{:>16}{:>16}",
            "", "one member", "shipped call"
        )?;
        let mut line = |name: &str, value: &dyn Fn(&Costs) -> String| {
            writeln!(formatter, "{name:<26}{:>16}{:>16}", value(one), value(all))
        };
        line("multiply-accumulates", &|costs| costs.macs.to_string())?;
        line("flash, bytes", &|costs| costs.flash_bytes.to_string())?;
        line("  code", &|costs| costs.code_bytes.to_string())?;
        line("  constants", &|costs| costs.constant_bytes.to_string())?;
        line("static RAM, bytes", &|costs| {
            costs.static_ram_bytes.to_string()
        })?;
        line("workspace, bytes", &|costs| {
            costs.workspace_bytes.to_string()
        })?;
        line("input and results, bytes", &|costs| {
            costs.results_bytes.to_string()
        })?;
        let bytes = |bytes: Option<usize>| bytes.map_or("-".into(), |bytes| bytes.to_string());
        line("stack of a call, bytes", &|costs| bytes(costs.stack_bytes))?;
        line("  at most, by frames", &|costs| {
            bytes(costs.stack_bound_bytes)
        })?;
        line("stack of the self-test", &|costs| {
            bytes(costs.self_test_stack_bytes)
        })?;
        let range = |range: Option<[u64; 2]>| match range {
            Some([low, high]) if low == high => low.to_string(),
            Some([low, high]) => format!("{low}-{high}"),
            None => "-".into(),
        };
        line("instructions", &|costs| {
            range(costs.instructions.map(|counts| counts.map(u64::from)))
        })?;
        line("cycles, estimated", &|costs| range(costs.cycles))?;
        for note in &self.notes {
            write!(formatter, "\n- {note}")?;
        }
        writeln!(formatter)
    }
}
