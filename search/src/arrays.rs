//! Files of named arrays with a JSON head, in the form of safetensors.
//!
//! The head is the only field of the file's metadata, and arrays are sorted, so that equal contents
//! have equal bytes. The head has the file's version and the SHA-256 of all arrays, their names
//! included: a file of another version is told from a damaged one, and no damage passes.

use crate::error::{Context, Result, bail, ensure};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};

/// The name of the head among the metadata.
const HEAD: &str = "head";

/// An element of an array.
pub(crate) trait Element: Copy {
    /// Its type in the file.
    const TYPE: Dtype;
    /// Appends its bytes.
    fn append(self, bytes: &mut Vec<u8>);
    /// Reads the bytes of elements.
    fn read(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! element {
    ($type:ty, $dtype:ident) => {
        impl Element for $type {
            const TYPE: Dtype = Dtype::$dtype;
            fn append(self, bytes: &mut Vec<u8>) {
                bytes.extend(self.to_le_bytes());
            }
            fn read(bytes: &[u8]) -> Vec<Self> {
                let each = bytes.as_chunks::<{ size_of::<$type>() }>().0.iter();
                each.map(|bytes| <$type>::from_le_bytes(*bytes)).collect()
            }
        }
    };
}

element!(u8, U8);
element!(f32, F32);
element!(f64, F64);

/// What a file has beside its arrays.
#[derive(Serialize, Deserialize)]
struct Head<T> {
    version: u32,
    sha256: String,
    contents: T,
}

/// The version alone, whatever else a file of another version has.
#[derive(Deserialize)]
struct Numbered {
    version: u32,
}

/// Arrays to be written.
#[derive(Debug, Default)]
pub(crate) struct ArraysOut {
    arrays: BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>,
}

impl ArraysOut {
    /// Adds an array, row-major.
    pub(crate) fn add<T: Element>(
        &mut self,
        name: impl Into<String>,
        shape: &[usize],
        values: impl IntoIterator<Item = T>,
    ) {
        let mut bytes = Vec::with_capacity(shape.iter().product::<usize>() * size_of::<T>());
        for value in values {
            value.append(&mut bytes);
        }
        let array = (T::TYPE, shape.to_vec(), bytes);
        self.arrays.insert(name.into(), array);
    }

    /// Returns the number of bytes of all arrays.
    pub(crate) fn size(&self) -> usize {
        self.arrays.values().map(|(.., bytes)| bytes.len()).sum()
    }

    /// Returns the bytes of the file.
    ///
    /// # Errors
    /// A shape is not that of its values, or the contents have no form in JSON.
    pub(crate) fn to_bytes(&self, version: u32, contents: &impl Serialize) -> Result<Vec<u8>> {
        let arrays = self.arrays.iter();
        let sha256 = checksum(arrays.map(|(name, (.., bytes))| (name.as_str(), bytes.as_slice())));
        let head = serde_json::to_string(&Head {
            version,
            sha256,
            contents,
        })?;
        let mut views = Vec::new();
        for (name, (dtype, shape, bytes)) in &self.arrays {
            views.push((name, TensorView::new(*dtype, shape.clone(), bytes)?));
        }
        let metadata = HashMap::from([(HEAD.to_owned(), head)]);
        Ok(safetensors::serialize(views, Some(metadata))?)
    }
}

/// The arrays of a file.
#[derive(Debug)]
pub(crate) struct ArraysIn<'a> {
    file: SafeTensors<'a>,
}

impl<'a> ArraysIn<'a> {
    /// Reads the bytes of [`ArraysOut::to_bytes`], and what the file contains beside its arrays.
    ///
    /// # Errors
    /// The file is of another version or damaged.
    pub(crate) fn read<T: DeserializeOwned>(bytes: &'a [u8], version: u32) -> Result<(T, Self)> {
        let (_, metadata) = SafeTensors::read_metadata(bytes).context("damaged")?;
        let head = metadata.metadata().as_ref().and_then(|all| all.get(HEAD));
        let Some(head) = head else {
            bail!(Run, "damaged: there is no head");
        };
        let Numbered { version: found } = serde_json::from_str(head).context("damaged")?;
        ensure!(
            Run,
            found == version,
            "of version {found}, expected version {version}"
        );
        let head: Head<T> = serde_json::from_str(head).context("damaged")?;
        let file = SafeTensors::deserialize(bytes).context("damaged")?;
        let views = file.tensors();
        let mut arrays: Vec<(&str, &[u8])> = views
            .iter()
            .map(|(name, view)| (name.as_str(), view.data()))
            .collect();
        arrays.sort_unstable();
        ensure!(
            Run,
            checksum(arrays.into_iter()) == head.sha256,
            "damaged: its arrays have another checksum than they were written with"
        );
        Ok((head.contents, Self { file }))
    }

    /// Returns the elements of an array, row-major.
    ///
    /// # Errors
    /// The file has no such array of this shape.
    pub(crate) fn take<T: Element>(&self, name: &str, shape: &[usize]) -> Result<Vec<T>> {
        let (found, values) = self.take_any(name)?;
        ensure!(
            Run,
            found == shape,
            "damaged: {name} has the shape {found:?}, expected {shape:?}"
        );
        Ok(values)
    }

    /// Returns the shape of an array and its elements, row-major.
    ///
    /// # Errors
    /// The file has no such array.
    pub(crate) fn take_any<T: Element>(&self, name: &str) -> Result<(Vec<usize>, Vec<T>)> {
        let view = self
            .file
            .tensor(name)
            .with_context(|| format!("damaged: {name} is missing"))?;
        ensure!(
            Run,
            view.dtype() == T::TYPE,
            "damaged: {name} is of {:?}, expected {:?}",
            view.dtype(),
            T::TYPE
        );
        Ok((view.shape().to_vec(), T::read(view.data())))
    }
}

/// Returns the SHA-256 of arrays in this order, and of their names.
fn checksum<'a>(arrays: impl Iterator<Item = (&'a str, &'a [u8])>) -> String {
    let mut hash = Sha256::new();
    for (name, bytes) in arrays {
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update((bytes.len() as u64).to_le_bytes());
        hash.update(bytes);
    }
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file() -> Vec<u8> {
        let mut arrays = ArraysOut::default();
        arrays.add("b", &[2, 2], [1.5f32, f32::MIN_POSITIVE, -0.0, 3.0]);
        arrays.add("a", &[3], [0.1f64, 1e300, -2.0]);
        arrays.add("flags", &[2], [1u8, 0]);
        assert_eq!(arrays.size(), 16 + 24 + 2);
        arrays.to_bytes(3, &("what", 7)).unwrap()
    }

    #[test]
    fn arrays_are_read_back_to_the_bit_and_equal_contents_have_equal_bytes() {
        let bytes = file();
        assert_eq!(bytes, file());
        let (contents, arrays): ((String, u8), _) = ArraysIn::read(&bytes, 3).unwrap();
        assert_eq!(contents, ("what".to_owned(), 7));
        let b: Vec<f32> = arrays.take("b", &[2, 2]).unwrap();
        assert_eq!(b, [1.5, f32::MIN_POSITIVE, 0.0, 3.0]);
        assert!(b[2].is_sign_negative());
        let a: Vec<f64> = arrays.take("a", &[3]).unwrap();
        assert_eq!(a, [0.1, 1e300, -2.0]);
        assert_eq!(arrays.take::<u8>("flags", &[2]).unwrap(), [1, 0]);
        for problem in [
            arrays.take::<f32>("a", &[3]).unwrap_err(),
            arrays.take::<f64>("a", &[1, 3]).unwrap_err(),
            arrays.take::<f64>("c", &[3]).unwrap_err(),
        ] {
            assert!(problem.chain().starts_with("damaged: "), "{problem}");
        }
    }

    #[test]
    fn a_file_of_another_version_is_told_from_a_damaged_one() {
        let bytes = file();
        let refused = |bytes: &[u8], version| {
            let read = ArraysIn::read::<(String, u8)>(bytes, version);
            read.map(|_| ()).unwrap_err().chain()
        };
        assert_eq!(refused(&bytes, 4), "of version 3, expected version 4");
        for end in [0, 7, 40, bytes.len() - 1] {
            let text = refused(&bytes[..end], 3);
            assert!(text.starts_with("damaged"), "{end}: {text}");
        }
        // Any single bit of the arrays, the last part of the file.
        for place in bytes.len() - 42..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 1;
            assert!(refused(&other, 3).contains("checksum"), "{place}");
        }
    }
}
