//! Reads from the training device. All of them pass through this module, which counts them.
//!
//! A read waits until the device has finished all earlier work. A weight step therefore has none,
//! and all reads are implemented here; a lint (`clippy.toml`) forbids candle's own reads in the
//! rest of the crate.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place in which a device is read"
)]

use candle_core::{Device, Result, Tensor, WithDType};
use std::cell::Cell;

thread_local! {
    static READS: Cell<usize> = const { Cell::new(0) };
}

/// Returns the number of reads of this thread from any device, including the CPU.
#[must_use]
pub fn reads() -> usize {
    READS.get()
}

/// Returns the value of a scalar tensor.
///
/// # Errors
/// If the tensor is not a scalar of type `T`.
pub fn number<T: WithDType>(tensor: &Tensor) -> Result<T> {
    READS.set(READS.get() + 1);
    tensor.to_scalar()
}

/// Returns the values of a tensor, row by row.
///
/// # Errors
/// If the tensor has another type.
pub fn numbers<T: WithDType>(tensor: &Tensor) -> Result<Vec<T>> {
    READS.set(READS.get() + 1);
    tensor.flatten_all()?.to_vec1()
}

/// Copies a tensor to the host.
///
/// # Errors
/// If the device fails.
pub fn fetched(tensor: &Tensor) -> Result<Tensor> {
    READS.set(READS.get() + 1);
    tensor.to_device(&Device::Cpu)
}

/// Copies a tensor from the host to a device. This does not count as a read.
///
/// # Errors
/// If the tensor is not on the host, or the device fails.
pub fn sent(tensor: &Tensor, device: &Device) -> Result<Tensor> {
    if !tensor.device().is_cpu() {
        candle_core::bail!("what is sent to a device comes from the host");
    }
    tensor.to_device(device)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nodes::Form;
    use crate::optimiser::AdamW;
    use crate::space::presets::{MicroSizes, PaperWidths, micro, paper};
    use crate::space::{Shape, Space};
    use crate::streams::stream;
    use crate::supernetwork::SuperNetwork;
    use crate::training::{Choices, Members, Phase, Rows, Settings, Trainer, weight_step};
    use crate::variables::NetworkVariables;
    use candle_core::DType;

    const INPUTS: usize = 3;
    const IMAGE: Shape = Shape::Image {
        height: 6,
        width: 5,
        channels: 2,
    };
    const CURVE: Shape = Shape::Sequence {
        length: 12,
        channels: 1,
    };

    fn rows(count: usize, outputs: usize) -> Rows {
        let waves = |count: usize| (0..count).map(|k| (k as f32 * 0.7).sin()).collect();
        let (x, y) = (waves(count * INPUTS), waves(count * outputs));
        Rows::new(x, INPUTS, y, outputs, &Device::Cpu).unwrap()
    }

    /// Runs `work` and counts its reads.
    fn counted<R>(work: impl FnOnce() -> R) -> (R, usize) {
        let before = reads();
        let result = work();
        (result, reads() - before)
    }

    fn published(output: Shape) -> Space {
        let widths = PaperWidths {
            dense: 8,
            channels: 4,
        };
        paper(INPUTS, output, widths).unwrap()
    }

    #[test]
    fn a_weight_step_reads_nothing_in_either_form_on_curves_and_images() {
        for space in [published(CURVE), published(IMAGE)] {
            for form in [Form::Fused, Form::Composite] {
                let network = SuperNetwork::new(&space, 1, DType::F32, &Device::Cpu).unwrap();
                let network = network.in_form(form);
                let mut optimiser = AdamW::new(network.variables(), 1e-2).unwrap();
                let (rows, uniform) = (
                    rows(32, space.output().size()),
                    NetworkVariables::uniform(&space),
                );
                let mut random = stream(0, "architectures");
                for _ in 0..5 {
                    let architecture = uniform.sample(&mut random);
                    let (loss, count) = counted(|| {
                        let batch = rows.chosen(&[3, 1, 30, 7]).unwrap();
                        weight_step(&network, &mut optimiser, &batch, &architecture, 1e-3).unwrap()
                    });
                    assert_eq!(count, 0, "{form:?} on {:?}", space.output());
                    assert_eq!(counted(|| number::<f32>(&loss).unwrap()).1, 1);
                }
            }
        }
    }

    #[test]
    fn a_training_reads_where_network_variables_are_updated_and_nowhere_else() {
        let settings = Settings {
            steps: Some(1500),
            members: Members::Searched(2),
            seed: 1,
            choices: Choices {
                polish: 0.0,
                ..Choices::default()
            },
        };
        let micro = micro(INPUTS, Shape::Vector(12), MicroSizes::default()).unwrap();
        // By the graph, one read of the step's own loss, to wait for its end, and one of the losses
        // of all sampled architectures. The engine has no device to read from.
        for (space, reads) in [(micro, 0), (published(CURVE), 2)] {
            let (train, selection) = (rows(100, 12), rows(40, 12));
            let mut trainer = Trainer::new(&space, train, selection, settings.clone()).unwrap();
            let (mut updates, mut others) = (0, 0);
            while !trainer.is_done() {
                let (step, count) = counted(|| trainer.step().unwrap());
                assert_eq!(count, reads * usize::from(step.ranking.is_some()));
                match step.ranking {
                    Some(_) => updates += 1,
                    None => others += 1,
                }
                assert!(step.ranking.is_none() || step.phase == Phase::Search);
            }
            assert!(updates >= 10 && others >= 300, "{updates}, {others}");
        }
    }

    #[test]
    fn every_kind_of_read_counts_and_sending_does_not() {
        let tensor = Tensor::new(&[[1f32, 2.0], [3.0, 4.0]], &Device::Cpu).unwrap();
        let (values, count) = counted(|| numbers::<f32>(&tensor).unwrap());
        assert_eq!((values, count), (vec![1.0, 2.0, 3.0, 4.0], 1));
        assert_eq!(counted(|| fetched(&tensor).unwrap()).1, 1);
        assert_eq!(counted(|| sent(&tensor, &Device::Cpu).unwrap()).1, 0);
    }
}
