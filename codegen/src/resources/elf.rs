//! Reads sizes and stack bounds from a linked program (ELF, 32 bits, little-endian).

/// One section.
#[derive(Clone, Debug)]
pub(crate) struct Section<'a> {
    pub(super) name: &'a str,
    pub(super) address: u32,
    pub(super) size: u32,
    pub(super) bytes: &'a [u8],
    kind: u32,
    flags: u32,
    link: usize,
}

/// A name with its place and size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    pub(super) value: u32,
    pub(super) size: u32,
    pub(super) is_function: bool,
}

/// A linked program.
#[derive(Clone, Debug)]
pub(crate) struct Program<'a> {
    pub(super) sections: Vec<Section<'a>>,
}

const SYMBOLS: u32 = 2;
const WITHOUT_BYTES: u32 = 8;

/// The flag of sections that are executed.
const EXECUTED: u32 = 4;

impl<'a> Program<'a> {
    /// Reads the table of sections; `None` if the bytes are not such a program.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        if bytes.get(..6)? != b"\x7FELF\x01\x01" {
            return None;
        }
        let table = word(bytes, 0x20)? as usize;
        let size = half(bytes, 0x2E)? as usize;
        let count = half(bytes, 0x30)? as usize;
        let names = half(bytes, 0x32)? as usize;
        let mut sections = Vec::with_capacity(count);
        let mut name_offsets = Vec::with_capacity(count);
        for index in 0..count {
            let header = bytes.get(table + index * size..)?;
            let kind = word(header, 4)?;
            let (offset, size) = (word(header, 16)? as usize, word(header, 20)?);
            name_offsets.push(word(header, 0)? as usize);
            sections.push(Section {
                name: "",
                address: word(header, 12)?,
                size,
                bytes: match kind {
                    WITHOUT_BYTES => &[],
                    _ => bytes.get(offset..offset.checked_add(size as usize)?)?,
                },
                kind,
                flags: word(header, 8)?,
                link: word(header, 24)? as usize,
            });
        }
        let names = sections.get(names)?.bytes;
        for (section, offset) in sections.iter_mut().zip(name_offsets) {
            section.name = text(names, offset)?;
        }
        Some(Self { sections })
    }

    /// The section of this name; an empty one if it is absent.
    pub(super) fn section(&self, name: &str) -> Option<&Section<'a>> {
        self.sections.iter().find(|section| section.name == name)
    }

    /// Bytes of a section; 0 if it is absent.
    pub(super) fn size(&self, name: &str) -> usize {
        self.section(name)
            .map_or(0, |section| section.size as usize)
    }

    /// Bytes of all sections that are executed.
    pub(crate) fn code_size(&self) -> usize {
        let executed = self.sections.iter();
        let executed = executed.filter(|section| section.flags & EXECUTED != 0);
        executed.map(|section| section.size as usize).sum()
    }

    /// All symbols.
    pub(super) fn symbols(&self) -> Vec<Symbol<'a>> {
        let Some(table) = self.sections.iter().find(|section| section.kind == SYMBOLS) else {
            return Vec::new();
        };
        let names = self
            .sections
            .get(table.link)
            .map_or(&[][..], |names| names.bytes);
        let (entries, _) = table.bytes.as_chunks::<16>();
        let symbol = |entry: &[u8; 16]| {
            Some(Symbol {
                name: text(names, word(entry, 0)? as usize)?,
                value: word(entry, 4)?,
                size: word(entry, 8)?,
                is_function: entry[12] & 15 == 2,
            })
        };
        entries.iter().filter_map(symbol).collect()
    }
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn text(bytes: &[u8], at: usize) -> Option<&str> {
    let bytes = bytes.get(at..)?;
    let end = bytes.iter().position(|&byte| byte == 0)?;
    std::str::from_utf8(&bytes[..end]).ok()
}
