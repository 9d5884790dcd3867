//! `dense-search space`: a preset's super-architecture for a data file, as TOML to change and search.

use crate::contenders::{SPACES, contenders, output_shape};
use crate::data::Dataset;
use crate::say::say;
use crate::space::Space;
use crate::space::presets::{self, MicroSizes, PaperWidths};
use anyhow::bail;

/// Returns the super-architecture of this preset for data like these; the widths are those of `paper`.
///
/// # Errors
/// The preset trains several spaces, has none for such outputs or no such widths.
pub fn run(
    preset: &str,
    data: &Dataset,
    channels: Option<usize>,
    dense: Option<usize>,
) -> anyhow::Result<Space> {
    let default = PaperWidths::default();
    match (preset, channels, dense) {
        ("paper", _, _) => {
            let widths = PaperWidths {
                dense: dense.unwrap_or(default.dense),
                channels: channels.unwrap_or(default.channels),
            };
            let output = output_shape(data);
            return Ok(presets::paper(data.input_count(), output, widths)?);
        }
        (_, None, None) => {}
        _ => bail!(
            "{preset}: --channels and --dense set the widths of paper; change the text of another"
        ),
    }
    let all = contenders(preset, data, 1, MicroSizes::default())?;
    let names: Vec<_> = all.iter().map(|one| one.space.name().to_owned()).collect();
    let named = all.into_iter().find(|one| one.space.name() == preset);
    let Some(named) = named else {
        bail!("{preset}: trains {}; name one of them", names.join(" and "));
    };
    let others = names
        .iter()
        .filter(|name| *name != preset && SPACES.contains(&name.as_str()));
    for other in others {
        say!("note: on these data, --space {preset} trains {other} too");
    }
    Ok(named.space)
}
