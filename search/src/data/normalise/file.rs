//! A normalisation as arrays of a file.

use super::{Normalisation, Transform};
use crate::arrays::{ArraysIn, ArraysOut};
use crate::error::Result;

/// Names in a file of what there is of each output.
const OUTPUT_ARRAYS: [&str; 5] = [
    "output/offset",
    "output/scale",
    "output/learnt offset",
    "output/learnt scale",
    "output/unit",
];

impl Normalisation {
    /// Adds all values to a file.
    pub(crate) fn save(&self, arrays: &mut ArraysOut) {
        let flags = |flags: &[bool]| -> Vec<u8> { flags.iter().copied().map(u8::from).collect() };
        let inputs = [self.centre.len()];
        arrays.add("input/logarithmic", &inputs, flags(&self.logarithmic));
        arrays.add("input/centre", &inputs, self.centre.iter().copied());
        arrays.add("input/scale", &inputs, self.scale.iter().copied());
        let outputs = [self.unit.len()];
        arrays.add("output/constant", &outputs, flags(&self.output_constant));
        for (name, values) in OUTPUT_ARRAYS.into_iter().zip([
            &self.output_offset,
            &self.output_scale,
            &self.learnt_offset,
            &self.learnt_scale,
            &self.unit,
        ]) {
            arrays.add(name, &outputs, values.iter().copied());
        }
    }

    /// Reads what [`Normalisation::save`] has added.
    ///
    /// # Errors
    /// The file lacks one of the arrays for this number of inputs and outputs.
    pub(crate) fn load(
        arrays: &ArraysIn<'_>,
        (inputs, outputs): (usize, usize),
        transform: Transform,
    ) -> Result<Self> {
        let flags = |name, count| -> Result<Vec<bool>> {
            let flags: Vec<u8> = arrays.take(name, &[count])?;
            Ok(flags.into_iter().map(|flag| flag != 0).collect())
        };
        let [
            output_offset,
            output_scale,
            learnt_offset,
            learnt_scale,
            unit,
        ] = OUTPUT_ARRAYS.map(|name| arrays.take(name, &[outputs]));
        Ok(Self {
            logarithmic: flags("input/logarithmic", inputs)?,
            centre: arrays.take("input/centre", &[inputs])?,
            scale: arrays.take("input/scale", &[inputs])?,
            output_offset: output_offset?,
            output_scale: output_scale?,
            output_constant: flags("output/constant", outputs)?,
            transform,
            learnt_offset: learnt_offset?,
            learnt_scale: learnt_scale?,
            unit: unit?,
        })
    }
}
