//! The source text of this crate, so that a frozen crate can carry it and builds anywhere, offline.

macro_rules! sources {
    ($($path:literal),* $(,)?) => {
        /// Every source file of a build without tests: its path below `src/` and its text.
        pub const SOURCES: &[(&str, &str)] = &[$(($path, include_str!($path))),*];
    };
}

sources![
    "dispatch.rs",
    "domain.rs",
    "elementary.rs",
    "ensemble.rs",
    "fma.rs",
    "image.rs",
    "index.rs",
    "kernels/add.rs",
    "kernels/axis.rs",
    "kernels/blocks.rs",
    "kernels/conv1d.rs",
    "kernels/conv2d.rs",
    "kernels/dense.rs",
    "kernels/elementwise.rs",
    "kernels/finish.rs",
    "kernels/layer.rs",
    "kernels/mod.rs",
    "kernels/multiply.rs",
    "kernels/narrow.rs",
    "kernels/resize.rs",
    "kernels/resize2d.rs",
    "kernels/scalar.rs",
    "kernels/scalar/cortex_m.rs",
    "kernels/scalar/fixed.rs",
    "kernels/scalar/tile.rs",
    "kernels/sweep.rs",
    "kernels/tiles.rs",
    "kernels/transpose.rs",
    "kernels/transposed_conv1d.rs",
    "kernels/transposed_conv2d.rs",
    "kernels/write.rs",
    "lib.rs",
    "local.rs",
    "predict.rs",
    "self_test.rs",
    "simd/avx2.rs",
    "simd/avx512.rs",
    "simd/mod.rs",
    "simd/portable.rs",
    "simd/vector.rs",
    "status.rs",
];

/// The texts of the two licences, of which a user chooses one: file name and text.
pub const LICENCES: &[(&str, &str)] = &[
    ("LICENSE-APACHE", include_str!("../LICENSE-APACHE")),
    ("LICENSE-MIT", include_str!("../LICENSE-MIT")),
];

#[cfg(test)]
mod tests {
    use super::{LICENCES, SOURCES};
    use std::fs;
    use std::path::Path;

    /// Counts the source files below `folder`, without tests and this file.
    fn files(folder: &Path) -> usize {
        let entries = fs::read_dir(folder).expect("the sources are beside the manifest");
        entries
            .map(|entry| entry.expect("readable").path())
            .map(
                |path| match path.file_name().and_then(|name| name.to_str()) {
                    Some("tests.rs" | "sources.rs") => 0,
                    _ if path.is_dir() => files(&path),
                    _ => 1,
                },
            )
            .sum()
    }

    #[test]
    fn no_source_file_is_left_out() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(SOURCES.len(), files(&folder));
    }

    #[test]
    fn every_crate_has_the_licences_of_the_repository() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        for (name, text) in LICENCES {
            for folder in [".", "codegen", "search"] {
                let path = root.join(folder).join(name);
                let copy = fs::read_to_string(&path).expect("the licence is there");
                assert_eq!(copy, *text, "{}", path.display());
            }
        }
    }
}
