//! One array in numpy's `.npy` format: magic, version, a one-line header, the elements.
//!
//! ```text
//! "\x93NUMPY" major minor | header length (2 bytes, 4 from version 2) | {'descr': '<f8', 'fortran_order': False, 'shape': (3, 5), } | elements
//! ```
//!
//! Source: numpy, `numpy.lib.format`, format versions 1.0 to 3.0. The reader never panics and never
//! allocates more bytes than the file contains: products of sizes are checked, and memory grows as
//! elements arrive.

use std::io::{self, Read, Write};

use super::literal::Cursor;
use super::npy_error::{NpyError, invalid};

/// The longest accepted header; numpy itself refuses more than 10,000 bytes.
const MAXIMUM_HEADER_BYTES: usize = 10_000;
/// The longest accepted text element, in characters.
const MAXIMUM_TEXT_LENGTH: usize = 1 << 20;

/// The kind of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Signed,
    Unsigned,
    Float,
    /// UTF-32, numpy's `str`.
    Unicode,
    /// Bytes, numpy's `bytes_`.
    Bytes,
}

/// The order of the elements in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// The last index runs fastest.
    C,
    /// The first index runs fastest.
    Fortran,
}

/// The parsed header of one array.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    kind: Kind,
    element_bytes: usize,
    big_endian: bool,
    order: Order,
    shape: Vec<usize>,
    count: usize,
}

impl Header {
    /// Reads magic, version and header. Leaves `reader` at the first element.
    pub(super) fn read(reader: &mut impl Read) -> Result<Self, NpyError> {
        let mut start = [0u8; 8];
        fill(reader, &mut start)?;
        if &start[..6] != b"\x93NUMPY" {
            return Err(invalid("expected numpy's .npy format, got other bytes"));
        }
        let length = match start[6] {
            1 => {
                let mut bytes = [0u8; 2];
                fill(reader, &mut bytes)?;
                usize::from(u16::from_le_bytes(bytes))
            }
            2 | 3 => {
                let mut bytes = [0u8; 4];
                fill(reader, &mut bytes)?;
                u32::from_le_bytes(bytes) as usize
            }
            version => {
                return Err(invalid(format!(
                    "expected .npy version 1 to 3, got {version}"
                )));
            }
        };
        if length > MAXIMUM_HEADER_BYTES {
            return Err(invalid(format!(
                "expected a header of at most {MAXIMUM_HEADER_BYTES} bytes, got {length}"
            )));
        }
        let mut text = vec![0u8; length];
        fill(reader, &mut text)?;
        let text = std::str::from_utf8(&text).map_err(|_| invalid("the header is not text"))?;
        Self::parse(text)
    }

    fn parse(text: &str) -> Result<Self, NpyError> {
        let mut cursor = Cursor::new(text);
        let (mut descr, mut order, mut shape) = (None, None, None);
        cursor.expect('{')?;
        while !cursor.take('}') {
            let key = cursor.string()?;
            cursor.expect(':')?;
            match key {
                "descr" => descr = Some(cursor.string()?),
                "fortran_order" => {
                    order = Some(if cursor.boolean()? {
                        Order::Fortran
                    } else {
                        Order::C
                    });
                }
                "shape" => shape = Some(cursor.sizes()?),
                _ => return Err(invalid(format!("unknown header key {key:?}"))),
            }
            if !cursor.take(',') {
                cursor.expect('}')?;
                break;
            }
        }
        let (Some(descr), Some(order), Some(shape)) = (descr, order, shape) else {
            return Err(invalid(
                "expected descr, fortran_order and shape in the header, got fewer",
            ));
        };
        if matches!(descr.get(1..), Some("c8" | "c16" | "c32")) {
            return Err(NpyError::Complex(shape));
        }
        let (kind, element_bytes, big_endian) = element(descr)?;
        let count = shape
            .iter()
            .try_fold(1usize, |product, &size| product.checked_mul(size))
            .filter(|count| count.checked_mul(element_bytes).is_some())
            .ok_or_else(|| invalid("its sizes are beyond any memory"))?;
        Ok(Self {
            kind,
            element_bytes,
            big_endian,
            order,
            shape,
            count,
        })
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    pub(super) fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Reads the elements as numbers (booleans as 0 and 1) up to the end of `reader`. Each passes
    /// once through `convert`, together with its index in C order. The result is in C order.
    pub(super) fn numbers<T: Copy + Default>(
        &self,
        reader: &mut impl Read,
        mut convert: impl FnMut(usize, f64) -> T,
    ) -> Result<Vec<T>, NpyError> {
        self.check_numbers()?;
        let mut stored = Vec::new();
        let position = self.order_map();
        self.elements(reader, |bytes| {
            let value = self.number(bytes);
            stored.push(convert(position(stored.len()), value));
            Ok(())
        })?;
        if self.order == Order::C {
            return Ok(stored);
        }
        let mut values = vec![T::default(); stored.len()];
        for (index, value) in stored.into_iter().enumerate() {
            values[position(index)] = value;
        }
        Ok(values)
    }

    /// Reads the elements as text up to the end of `reader`. Trailing NUL characters (numpy's
    /// padding) are dropped.
    pub(super) fn strings(&self, reader: &mut impl Read) -> Result<Vec<String>, NpyError> {
        let mut strings = Vec::new();
        self.elements(reader, |bytes| {
            let text = match self.kind {
                Kind::Unicode => self.unicode(bytes)?,
                Kind::Bytes => String::from_utf8(bytes.to_vec())
                    .map_err(|_| invalid("its bytes are not UTF-8 text"))?,
                _ => return Err(NpyError::Numbers),
            };
            strings.push(text.trim_end_matches('\0').to_owned());
            Ok(())
        })?;
        Ok(strings)
    }

    /// Calls `each` with the bytes of every element in the file's order, and checks that no bytes
    /// remain. Reading to the end also makes the archive verify its checksum.
    fn elements(
        &self,
        reader: &mut impl Read,
        mut each: impl FnMut(&[u8]) -> Result<(), NpyError>,
    ) -> Result<(), NpyError> {
        self.part(reader, self.count, &mut each)?;
        Self::end(reader)
    }

    /// Calls `each` with the bytes of the next `count` elements.
    fn part(
        &self,
        reader: &mut impl Read,
        count: usize,
        mut each: impl FnMut(&[u8]) -> Result<(), NpyError>,
    ) -> Result<(), NpyError> {
        const CHUNK_BYTES: usize = 1 << 16;
        let per_chunk = (CHUNK_BYTES / self.element_bytes).max(1);
        let mut left = count;
        let mut chunk = vec![0u8; per_chunk.min(left) * self.element_bytes];
        while left > 0 {
            let now = per_chunk.min(left);
            let bytes = &mut chunk[..now * self.element_bytes];
            fill(reader, bytes)?;
            for element in bytes.chunks_exact(self.element_bytes) {
                each(element)?;
            }
            left -= now;
        }
        Ok(())
    }

    /// Appends the next `count` elements, in the file's order, to `values`, for arrays larger than
    /// memory. After the last of them, [`Header::end`] must be called.
    pub(super) fn next_numbers(
        &self,
        reader: &mut impl Read,
        count: usize,
        values: &mut Vec<f64>,
    ) -> Result<(), NpyError> {
        self.check_numbers()?;
        self.part(reader, count, |bytes| {
            values.push(self.number(bytes));
            Ok(())
        })
    }

    /// Skips the next `count` elements.
    pub(super) fn skip(&self, reader: &mut impl Read, count: usize) -> Result<(), NpyError> {
        self.part(reader, count, |_| Ok(()))
    }

    /// Whether the file stores the array column by column.
    pub(super) fn column_by_column(&self) -> bool {
        self.order == Order::Fortran && self.shape.len() > 1
    }

    fn check_numbers(&self) -> Result<(), NpyError> {
        match self.kind {
            Kind::Unicode | Kind::Bytes => Err(NpyError::Text),
            _ => Ok(()),
        }
    }

    /// Checks that no bytes remain.
    pub(super) fn end(reader: &mut impl Read) -> Result<(), NpyError> {
        match reader.read(&mut [0u8]) {
            Ok(0) => Ok(()),
            Ok(_) => Err(invalid(
                "there are more bytes than its shape says; the file is damaged",
            )),
            Err(error) => Err(invalid(format!("the file is damaged ({error})"))),
        }
    }

    fn number(&self, bytes: &[u8]) -> f64 {
        let mut little = [0u8; 8];
        if self.big_endian {
            for (to, from) in little.iter_mut().zip(bytes.iter().rev()) {
                *to = *from;
            }
        } else {
            for (to, from) in little.iter_mut().zip(bytes) {
                *to = *from;
            }
        }
        let bits = u64::from_le_bytes(little);
        match (self.kind, self.element_bytes) {
            (Kind::Float, 2) => half(bits as u16),
            (Kind::Float, 4) => f64::from(f32::from_bits(bits as u32)),
            (Kind::Float, _) => f64::from_bits(bits),
            (Kind::Signed, size) => {
                let unused = 64 - 8 * size as u32;
                ((bits << unused) as i64 >> unused) as f64
            }
            (Kind::Bool, _) => f64::from(u8::from(bits != 0)),
            _ => bits as f64,
        }
    }

    fn unicode(&self, bytes: &[u8]) -> Result<String, NpyError> {
        bytes
            .chunks_exact(4)
            .map(|unit| {
                let unit = [unit[0], unit[1], unit[2], unit[3]];
                let code = if self.big_endian {
                    u32::from_be_bytes(unit)
                } else {
                    u32::from_le_bytes(unit)
                };
                char::from_u32(code).ok_or_else(|| invalid("its text is not Unicode"))
            })
            .collect()
    }

    /// Maps the position of an element in the file to its position in C order.
    fn order_map(&self) -> impl Fn(usize) -> usize + '_ {
        move |stored| {
            if self.order == Order::C {
                return stored;
            }
            let (mut rest, mut position, mut stride) = (stored, 0, self.count);
            for &size in &self.shape {
                stride /= size.max(1);
                position += rest % size.max(1) * stride;
                rest /= size.max(1);
            }
            position
        }
    }
}

/// Shape and values of the array in `bytes`, in C order.
///
/// # Errors
/// The bytes are not an array, are damaged, or do not hold numbers. The error is a text.
pub(crate) fn numbers(bytes: &[u8]) -> Result<(Vec<usize>, Vec<f64>), String> {
    let mut reader = bytes;
    let read = Header::read(&mut reader).and_then(|header| {
        let values = header.numbers(&mut reader, |_, value| value)?;
        Ok((header.shape, values))
    });
    read.map_err(|error| format!("its output as .npy: {error}"))
}

/// Writes magic and header of an array in C order. `descr` is numpy's name of the element type
/// (`<f4`, `|b1`).
pub(super) fn write_header(
    writer: &mut impl Write,
    descr: &str,
    shape: &[usize],
) -> io::Result<()> {
    // Like numpy, make the elements begin at a multiple of 64 bytes.
    const ALIGNMENT: usize = 64;
    const PREFIX: usize = 10;
    let sizes: String = shape.iter().map(|size| format!("{size}, ")).collect();
    let mut text = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        match shape.len() {
            1 => sizes.trim_end(),
            _ => sizes.trim_end_matches(", "),
        }
    );
    while !(PREFIX + text.len() + 1).is_multiple_of(ALIGNMENT) {
        text.push(' ');
    }
    text.push('\n');
    let length = u16::try_from(text.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    writer.write_all(b"\x93NUMPY\x01\x00")?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(text.as_bytes())
}

/// Kind, size in bytes, and byte order from numpy's element name (`<f8`, `|b1`, `>U12`).
fn element(descr: &str) -> Result<(Kind, usize, bool), NpyError> {
    let unknown = || invalid(format!("elements of type {descr:?} are not read"));
    let mut letters = descr.chars();
    let big_endian = match letters.next() {
        Some('>') => true,
        Some('<' | '|' | '=') => false,
        _ => return Err(unknown()),
    };
    let letter = letters.next();
    if letter == Some('O') {
        return Err(NpyError::Object);
    }
    let size: usize = letters.as_str().parse().map_err(|_| unknown())?;
    let (kind, bytes) = match (letter, size) {
        (Some('b'), 1) => (Kind::Bool, 1),
        (Some('i'), 1 | 2 | 4 | 8) => (Kind::Signed, size),
        (Some('u'), 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
        (Some('f'), 2 | 4 | 8) => (Kind::Float, size),
        (Some('U'), 1..=MAXIMUM_TEXT_LENGTH) => (Kind::Unicode, 4 * size),
        (Some('S'), 1..=MAXIMUM_TEXT_LENGTH) => (Kind::Bytes, size),
        _ => return Err(unknown()),
    };
    Ok((kind, bytes, big_endian))
}

/// Decodes an IEEE 754 half-precision number.
fn half(bits: u16) -> f64 {
    let sign = if bits >> 15 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(bits >> 10 & 0x1f);
    let fraction = f64::from(bits & 0x3ff);
    sign * match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    }
}

fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> Result<(), NpyError> {
    reader.read_exact(bytes).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            invalid("expected more bytes, got the end: the array is cut short")
        } else {
            invalid(format!("the file is damaged ({error})"))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(header: &str, elements: &[u8]) -> Vec<u8> {
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(elements);
        bytes
    }

    fn numbers(header: &str, elements: &[u8]) -> Result<Vec<f64>, NpyError> {
        let bytes = array(header, elements);
        let mut reader = &bytes[..];
        let header = Header::read(&mut reader)?;
        header.numbers(&mut reader, |_, value| value)
    }

    #[test]
    fn every_number_type_is_read_in_both_byte_orders() {
        let table: [(&str, &[u8], f64); 14] = [
            ("<f8", &(-2.5f64).to_le_bytes(), -2.5),
            (">f8", &(-2.5f64).to_be_bytes(), -2.5),
            ("<f4", &0.1f32.to_le_bytes(), f64::from(0.1f32)),
            (">f4", &0.1f32.to_be_bytes(), f64::from(0.1f32)),
            ("<f2", &[0x00, 0xc1], -2.5),
            (">f2", &[0x00, 0x01], 2f64.powi(-24)),
            ("<f2", &[0xff, 0x7b], 65504.0),
            ("|i1", &[0xff], -1.0),
            (">i2", &[0xff, 0xfe], -2.0),
            ("<i4", &(-7i32).to_le_bytes(), -7.0),
            ("<i8", &i64::MIN.to_le_bytes(), -(2f64.powi(63))),
            ("|u1", &[0xff], 255.0),
            ("<u8", &u64::MAX.to_le_bytes(), 2f64.powi(64)),
            ("|b1", &[1], 1.0),
        ];
        for (descr, bytes, expected) in table {
            let header =
                format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': (1,), }}\n");
            assert_eq!(numbers(&header, bytes), Ok(vec![expected]), "{descr}");
        }
    }

    #[test]
    fn fortran_order_becomes_c_order_and_indices_follow() {
        let header = "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2)}";
        // Element (i, j, k) is 100 i + 10 j + k, stored with i fastest.
        let mut stored = Vec::new();
        for k in 0..2u8 {
            for j in 0..3 {
                for i in 0..2 {
                    stored.push(100 * i + 10 * j + k);
                }
            }
        }
        let bytes = array(header, &stored);
        let mut reader = &bytes[..];
        let header = Header::read(&mut reader).unwrap();
        let mut seen = Vec::new();
        let values = header
            .numbers(&mut reader, |index, value| {
                seen.push((index, value));
                value
            })
            .unwrap();
        let expected = [
            0., 1., 10., 11., 20., 21., 100., 101., 110., 111., 120., 121.,
        ];
        assert_eq!(values, expected);
        assert!(seen.iter().all(|&(index, value)| expected[index] == value));
    }

    #[test]
    fn text_is_read_in_both_byte_orders_and_as_bytes() {
        for (descr, bytes) in [
            ("<U2", vec![0xb5, 0, 0, 0, 0, 0, 0, 0]),
            (">U2", vec![0, 0, 0, 0xb5, 0, 0, 0, 0]),
            ("|S3", vec![0xc2, 0xb5, 0]),
        ] {
            let bytes = array(
                &format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ()}}"),
                &bytes,
            );
            let mut reader = &bytes[..];
            let header = Header::read(&mut reader).unwrap();
            assert_eq!(header.strings(&mut reader), Ok(vec!["µ".to_owned()]));
        }
    }

    #[test]
    fn a_written_header_is_read_back() {
        for shape in [&[][..], &[3], &[3, 4], &[1500, 2, 60]] {
            let mut bytes = Vec::new();
            write_header(&mut bytes, "<f4", shape).unwrap();
            assert!(bytes.len().is_multiple_of(64));
            let header = Header::read(&mut &bytes[..]).unwrap();
            assert_eq!((header.shape(), header.kind()), (shape, Kind::Float));
        }
    }

    #[test]
    fn unusable_headers_are_refused_in_words() {
        let table = [
            (
                "{'descr': '|O', 'fortran_order': False, 'shape': (3,), }",
                "Python objects",
            ),
            (
                "{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }",
                "structured",
            ),
            (
                "{'descr': '<c16', 'fortran_order': False, 'shape': (3,), }",
                "complex",
            ),
            (
                "{'descr': '<f8', 'fortran_order': 3, 'shape': (3,), }",
                "True or False",
            ),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (-3,), }",
                "whole numbers",
            ),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 99999999999), }",
                "memory",
            ),
            ("{'descr': '<f8', 'shape': (3,), }", "fewer"),
            (
                "{'descr': '<U0', 'fortran_order': False, 'shape': (3,), }",
                "<U0",
            ),
            ("{'descr': '<f8", "no end"),
            ("", "expected '{'"),
            (
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }",
                "cut short",
            ),
        ];
        for (header, expected) in table {
            let text = match numbers(header, &[0; 16]) {
                Err(error) => error.to_string(),
                Ok(_) => panic!("{header} was read"),
            };
            assert!(text.contains(expected), "{header}: {text}");
        }
    }
}
