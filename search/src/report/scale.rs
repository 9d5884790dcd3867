//! Scales: the positions of values along an axis, and the choice of ticks.

/// Approximate number of ticks on an axis.
const TICKS: f64 = 6.0;

/// The scale of an axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Scale {
    /// Linear.
    Linear { low: f64, high: f64 },
    /// Logarithmic; both limits are positive.
    Logarithmic { low: f64, high: f64 },
}

impl Scale {
    /// The linear scale that contains these values, with a margin.
    pub(super) fn around(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = limits(values);
        let room = match high - low {
            0.0 => 0.5 * low.abs().max(1.0),
            width => 0.04 * width,
        };
        Self::Linear {
            low: low - room,
            high: high + room,
        }
    }

    /// The logarithmic scale that contains the positive ones of these values, with a margin.
    pub(super) fn decades(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = limits(values.into_iter().filter(|&value| value > 0.0));
        let low = if low > 0.0 { low } else { 0.1 };
        let high = high.max(low);
        let room = (high / low).powf(0.05).max(1.1);
        Self::Logarithmic {
            low: low / room,
            high: high * room,
        }
    }

    /// The scale from exactly `low` to exactly `high`, logarithmic on request.
    pub(super) fn between(low: f64, high: f64, logarithmic: bool) -> Self {
        match logarithmic {
            true => Self::Logarithmic { low, high },
            false => Self::Linear { low, high },
        }
    }

    /// The position of a value: 0 at the low limit, 1 at the high limit.
    pub(super) fn at(self, value: f64) -> f64 {
        match self {
            Self::Linear { low, high } => (value - low) / (high - low),
            Self::Logarithmic { low, high } => {
                (value.max(f64::MIN_POSITIVE) / low).ln() / (high / low).ln()
            }
        }
    }

    /// The value at a position between 0 and 1.
    pub(super) fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear { low, high } => low + place * (high - low),
            Self::Logarithmic { low, high } => low * (high / low).powf(place),
        }
    }

    /// A few round values within the scale.
    pub(super) fn ticks(self) -> Vec<f64> {
        match self {
            Self::Logarithmic { low, high } => {
                let decades = (high / low).log10();
                let factors: &[f64] = match decades {
                    ..0.5 => return linear_ticks(low, high),
                    0.5..1.3 => &[1.0, 2.0, 5.0],
                    1.3..2.2 => &[1.0, 3.0],
                    _ => &[1.0],
                };
                let step = (decades / 6.0).ceil().max(1.0) as usize;
                let powers =
                    (low.log10().floor() as i32..=high.log10().ceil() as i32).step_by(step);
                powers
                    .flat_map(|power| factors.iter().map(move |factor| factor * 10f64.powi(power)))
                    .filter(|tick| (low..=high).contains(tick))
                    .collect()
            }
            Self::Linear { low, high } => linear_ticks(low, high),
        }
    }
}

fn linear_ticks(low: f64, high: f64) -> Vec<f64> {
    // A coordinate of the data may be decreasing.
    let (low, high) = (low.min(high), low.max(high));
    let raw = (high - low) / TICKS;
    let power = 10f64.powf(raw.log10().floor());
    let nice = [1.0, 2.0, 5.0, 10.0]
        .into_iter()
        .find(|nice| nice * power >= raw);
    let step = nice.unwrap_or(10.0) * power;
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|tick| tick as f64 * step).collect()
}

fn limits(values: impl IntoIterator<Item = f64>) -> (f64, f64) {
    let finite = values.into_iter().filter(|value| value.is_finite());
    let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    match low <= high {
        true => (low, high),
        false => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests;
