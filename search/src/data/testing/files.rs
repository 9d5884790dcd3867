//! Data files made in memory.

use std::io::{Cursor, Write};

use crate::data::npz::{ArchiveWriter, Packing};
use crate::data::{DataError, Dataset, ReadOptions};

/// The arrays of a `.npz` in preparation.
#[derive(Clone)]
pub(crate) struct NpzFile {
    arrays: Vec<(String, String, Vec<usize>, Vec<u8>)>,
}

impl NpzFile {
    pub(crate) fn new() -> Self {
        Self { arrays: Vec::new() }
    }

    /// A valid file with two inputs and three scalars.
    pub(in crate::data) fn simple(rows: usize) -> Self {
        let x: Vec<f64> = (0..2 * rows).map(|i| (i as f64 * 0.7).sin()).collect();
        let y: Vec<f64> = (0..3 * rows).map(|i| (i as f64 * 0.3).cos()).collect();
        Self::new().with("x", "<f8", &[rows, 2], doubles(&x)).with(
            "y",
            "<f8",
            &[rows, 3],
            doubles(&y),
        )
    }

    /// Adds an array, or replaces the one of the same name.
    pub(crate) fn with(
        mut self,
        name: &str,
        descr: &str,
        shape: &[usize],
        elements: impl Into<Vec<u8>>,
    ) -> Self {
        self.arrays.retain(|array| array.0 != name);
        self.arrays.push((
            name.to_owned(),
            descr.to_owned(),
            shape.to_vec(),
            elements.into(),
        ));
        self
    }

    pub(super) fn without(mut self, name: &str) -> Self {
        self.arrays.retain(|array| array.0 != name);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.packed(Packing::Deflated)
    }

    /// Returns the bytes of the `.npz` with uncompressed arrays.
    pub(in crate::data) fn stored_bytes(&self) -> Vec<u8> {
        self.packed(Packing::Stored)
    }

    /// A file of one array whose `elements` are stored column by column.
    pub(in crate::data) fn columns_first(
        name: &str,
        descr: &str,
        shape: &[usize],
        elements: &[u8],
    ) -> Vec<u8> {
        let mut array = Vec::new();
        crate::data::npy::write_header(&mut array, descr, shape).unwrap();
        let header = String::from_utf8_lossy(&array[10..])
            .replace("'fortran_order': False", "'fortran_order': True ");
        array.splice(10.., header.into_bytes());
        array.extend(elements);
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default();
        zip.start_file(format!("{name}.npy"), options).unwrap();
        zip.write_all(&array).unwrap();
        zip.finish().unwrap().into_inner()
    }

    fn packed(&self, packing: Packing) -> Vec<u8> {
        let mut writer = ArchiveWriter::new(Cursor::new(Vec::new()));
        for (name, descr, shape, elements) in &self.arrays {
            let bytes = elements.len();
            writer.begin(name, descr, shape, bytes, packing).unwrap();
            writer.write_all(elements).unwrap();
        }
        writer.finish().unwrap().into_inner()
    }
}

pub(in crate::data) fn read(bytes: &[u8]) -> Result<Dataset, DataError> {
    Dataset::from_npz_bytes(bytes, "t.npz", &ReadOptions::default())
}

/// Images of 9 x 7 with this number of channels for three inputs. The last position of the last
/// channel is constant.
pub(crate) fn images(rows: usize, channels: usize) -> Dataset {
    let x: Vec<f64> = (0..3 * rows).map(|i| (i as f64 * 2.3).sin()).collect();
    let pixel = |x: &[f64], place: usize| {
        let (channel, row, column) = (place / 63, place / 7 % 9, place % 7);
        let distance =
            (row as f64 - 4.0 - 2.0 * x[0]).powi(2) + (column as f64 - 3.0 - x[1]).powi(2);
        (-0.1 * distance).exp() + x[2] * (0.3 * (row + channel * column) as f64).sin()
    };
    let last = 63 * channels - 1;
    let y: Vec<f64> = x
        .chunks_exact(3)
        .flat_map(|x| {
            (0..=last).map(move |place| if place == last { 1.5 } else { pixel(x, place) })
        })
        .collect();
    let shape = match channels {
        1 => vec![rows, 9, 7],
        _ => vec![rows, channels, 9, 7],
    };
    let layout = if channels == 1 { "image" } else { "images" };
    let file = NpzFile::new()
        .with("x", "<f8", &[rows, 3], doubles(&x))
        .with("y", "<f8", &shape, doubles(&y))
        .with("y_layout", "<U6", &[], unicode(&[layout], 6));
    read(&file.bytes()).unwrap()
}

pub(crate) fn doubles(values: &[f64]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_le_bytes())
        .collect()
}

pub(in crate::data) fn unicode(texts: &[&str], length: usize) -> Vec<u8> {
    texts
        .iter()
        .flat_map(|text| {
            let mut units: Vec<u32> = text.chars().map(u32::from).collect();
            units.resize(length, 0);
            units.into_iter().flat_map(u32::to_le_bytes)
        })
        .collect()
}

pub(super) fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
