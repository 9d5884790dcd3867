//! (search) Runs the same short search on the CPU and on the device.

use crate::Arguments;
use dense_search::assemble::output_deviation;
use dense_search::data::Part;
use dense_search::device::DeviceName;
use dense_search::metrics::evaluate;
use dense_search::search::{Extent, Input, Search, SearchSettings, TeacherMode, emulator_file};
use std::time::Instant;

/// The largest ratio of the GPU's test error to the CPU's after the same steps: other rounding
/// gives other networks.
const ACCURACY: f64 = 1.5;

/// Compares the test errors of the same search on both devices.
pub(crate) fn agree(arguments: &Arguments) -> anyhow::Result<bool> {
    let mut errors = Vec::new();
    for device in [DeviceName::Cpu, arguments.device] {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut settings = SearchSettings::default();
        settings.extent = Extent::Steps(arguments.steps);
        settings.threads = threads;
        settings.device = device;
        settings.teacher = TeacherMode::None;
        let input = Input::in_memory(super::bundled()?);
        let folder = tempfile::tempdir()?;
        let began = Instant::now();
        let report = Search::new(settings).run(&input, folder.path(), &|_| {})?;
        let seconds = began.elapsed().as_secs_f64();
        let emulator = dense_codegen::file::load(&emulator_file(folder.path()))?;
        let rows = input.data.part_rows(Part::Test)?;
        let deviation = output_deviation(&emulator);
        let mse = evaluate(&emulator, &input.data, &rows, &deviation, threads).mse_z;
        println!(
            "search: micro, {} steps, 4 members, {device}: val_mse_z {:.5e}, test mse_z {mse:.5e}, {seconds:.1} s, {} MAC",
            arguments.steps, report.val_mse_z, report.macs
        );
        errors.push(mse);
    }
    let good = errors[1] <= ACCURACY * errors[0];
    println!(
        "search: the GPU's test error over the CPU's {:.5} (at most {ACCURACY}): {}",
        errors[1] / errors[0],
        if good { "yes" } else { "NO" }
    );
    Ok(good)
}
