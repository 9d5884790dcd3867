//! A measured model predicts times that it was not fitted to, and is found again where it was
//! stored.

use super::*;
use crate::streams::stream;
use rand::Rng;
use rand_chacha::ChaCha8Rng;

impl CostModel {
    fn of(rates: impl Fn(Kind) -> Rates) -> Self {
        Self {
            machine: "a test".to_owned(),
            measured: 0,
            rates: Kind::ALL
                .into_iter()
                .map(|kind| (kind, rates(kind)))
                .collect(),
        }
    }

    /// Returns a model in which all times are zero.
    pub(crate) fn free() -> Self {
        Self::of(|_| Rates::default())
    }

    /// Returns a model in which every operation takes `fixed` nanoseconds.
    pub(crate) fn of_operations(fixed: f64) -> Self {
        Self::of(|_| Rates {
            fixed,
            ..Rates::default()
        })
    }
}

/// A model whose kinds have very different rates.
pub(crate) fn random_model(random: &mut ChaCha8Rng) -> CostModel {
    let rates: Vec<Rates> = Kind::ALL
        .into_iter()
        .map(|_| Rates {
            fixed: random.random_range(0.0..300.0),
            per_mac: random.random_range(0.0..0.3),
            per_byte: random.random_range(0.0..0.3),
        })
        .collect();
    CostModel::of(|kind| rates[kind as usize])
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    let model = random_model(&mut stream(1, "cost model"));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("costs.json");
    std::fs::write(&file, serde_json::to_vec(&model).unwrap()).unwrap();
    assert_eq!(store::read(&file).unwrap(), model);
    std::fs::write(&file, "{\"machine\": 3}").unwrap();
    let error = store::read(&file).unwrap_err().chain();
    assert!(
        error.contains("costs.json") && error.contains("dense-search costs"),
        "{error}"
    );
}

#[test]
fn a_measurement_has_rates_of_every_kind_and_none_is_negative() {
    let model = measure().unwrap();
    assert_eq!(model.rates.len(), Kind::ALL.len());
    for (kind, rates) in &model.rates {
        let all = [rates.fixed, rates.per_mac, rates.per_byte];
        assert!(
            all.iter().all(|rate| rate.is_finite() && *rate >= 0.0),
            "{kind:?}: {rates:?}"
        );
        assert!(all.iter().any(|rate| *rate > 0.0), "{kind:?}");
    }
}
