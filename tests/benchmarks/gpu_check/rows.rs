//! Rows as a training reads them: encoded, in f32.

use dense_search::candle_core::Device;
use dense_search::data::{Dataset, Normalisation, Split};
use dense_search::training::Rows;

/// Encoded rows: `x: [rows][inputs]`, `y: [rows][outputs]`.
pub(crate) struct Encoded {
    pub(crate) x: Vec<f32>,
    pub(crate) inputs: usize,
    pub(crate) y: Vec<f32>,
    pub(crate) outputs: usize,
}

impl Encoded {
    /// The rows on a device.
    pub(crate) fn on(&self, device: &Device) -> anyhow::Result<Rows> {
        let (x, y) = (self.x.clone(), self.y.clone());
        Ok(Rows::new(x, self.inputs, y, self.outputs, device)?)
    }
}

/// The training rows of a data set.
pub(crate) fn encoded(data: &Dataset) -> anyhow::Result<Encoded> {
    let split = Split::resolve(data, 0)?;
    let normalisation = Normalisation::fit(data, &split.train);
    Ok(Encoded {
        x: normalisation.encode_x(data, &split.train),
        inputs: data.input_count(),
        y: normalisation.encode_y(data, &split.train),
        outputs: data.output_count(),
    })
}

/// Synthetic rows: waves of unit size whose shape depends on the inputs.
pub(crate) fn waves(inputs: usize, outputs: usize, rows: usize) -> Encoded {
    let x: Vec<f32> = (0..rows * inputs)
        .map(|k| 1.7 * (k as f32 * 2.3).sin())
        .collect();
    let wave = |x: &[f32], place: usize| 1.4 * (0.3 * place as f32 + x[0] + x[1] * x[2]).sin();
    let rows = x.chunks_exact(inputs);
    let y = rows.flat_map(|x| (0..outputs).map(move |place| wave(x, place)));
    Encoded {
        y: y.collect(),
        x,
        inputs,
        outputs,
    }
}
