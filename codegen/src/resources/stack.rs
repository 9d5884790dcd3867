//! An upper bound of the stack: the deepest path of calls in the linked program, by the frames that
//! the compiler states.

use super::elf::{Program, Symbol, word};
use std::collections::BTreeMap;

/// Bytes of stack assumed for a function without a stated frame: the compiler's helpers in
/// assembly, which save at most eight registers.
const ASSEMBLY: usize = 32;

/// The known facts of each function, by its address.
struct Functions<'a> {
    symbols: BTreeMap<u32, Symbol<'a>>,
    frames: BTreeMap<u32, usize>,
    text: &'a [u8],
    text_address: u32,
    /// The boundaries between instructions and embedded constants.
    is_code: BTreeMap<u32, bool>,
}

/// The deepest stack of the function whose mangled name has this end; `None` if it is absent,
/// recursive, or calls through a pointer.
pub(super) fn bound(program: &Program<'_>, name: &str) -> Option<usize> {
    let text = program.section(".text")?;
    let all = program.symbols();
    let is_code = all.iter().filter_map(|symbol| match symbol.name {
        "$t" => Some((symbol.value, true)),
        "$d" => Some((symbol.value, false)),
        _ => None,
    });
    let functions = all.iter().filter(|symbol| symbol.is_function);
    let functions = Functions {
        is_code: is_code.collect(),
        symbols: functions
            .map(|symbol| (symbol.value & !1, *symbol))
            .collect(),
        frames: frames(program.section(".stack_sizes")?.bytes),
        text: text.bytes,
        text_address: text.address,
    };
    let (&root, _) = functions
        .symbols
        .iter()
        .find(|(_, symbol)| symbol.name.ends_with(name))?;
    functions.depth(root, &mut Vec::new())
}

/// The section `.stack_sizes`: an address, then an integer in groups of seven bits, lowest first.
fn frames(mut bytes: &[u8]) -> BTreeMap<u32, usize> {
    let mut frames = BTreeMap::new();
    while let (Some(address), Some(mut rest)) = (word(bytes, 0), bytes.get(4..)) {
        let (mut size, mut shift) = (0_usize, 0);
        while let Some((&byte, after)) = rest.split_first() {
            size |= usize::from(byte & 0x7F) << shift;
            shift += 7;
            rest = after;
            if byte < 0x80 || shift > 28 {
                break;
            }
        }
        frames.insert(address & !1, size);
        bytes = rest;
    }
    frames
}

impl Functions<'_> {
    fn depth(&self, function: u32, above: &mut Vec<u32>) -> Option<usize> {
        if above.contains(&function) {
            return None;
        }
        above.push(function);
        let mut deepest = 0;
        for callee in self.callees(function)? {
            deepest = deepest.max(self.depth(callee, above)?);
        }
        above.pop();
        let frame = self.frames.get(&function).copied().unwrap_or(ASSEMBLY);
        Some(frame + deepest)
    }

    /// The functions that a function branches to: by `bl`, or by `b` at its end. `None` if it calls
    /// through a pointer.
    fn callees(&self, function: u32) -> Option<Vec<u32>> {
        let size = self.symbols.get(&function)?.size;
        let (mut place, end) = (function, function + size);
        let mut callees = Vec::new();
        while place < end {
            let (first, second) = (self.half(place)?, self.half(place + 2).unwrap_or(0));
            let in_code = self.is_code.range(..=place).next_back();
            if in_code.is_some_and(|(_, &code)| !code) {
                place += 2;
                continue;
            }
            // blx register
            if first & 0xFF87 == 0x4780 {
                return None;
            }
            let target = match first >> 11 {
                0b11110 if second & 0x8000 != 0 => wide(place, first, second),
                // b, eleven bits
                0b11100 => Some(
                    place
                        .wrapping_add(4)
                        .wrapping_add(sign(u32::from(first & 0x7FF), 11) << 1),
                ),
                _ => None,
            };
            let outside = |target: &u32| !(function..end).contains(target) || *target == function;
            callees.extend(
                target
                    .filter(outside)
                    .filter(|target| self.symbols.contains_key(target)),
            );
            place += if first >> 11 >= 0b11101 { 4 } else { 2 };
        }
        callees.sort_unstable();
        callees.dedup();
        Some(callees)
    }

    fn half(&self, place: u32) -> Option<u16> {
        let at = place.checked_sub(self.text_address)? as usize;
        Some(u16::from_le_bytes(*self.text.get(at..)?.first_chunk()?))
    }
}

/// The target of a branch of two halfwords: `bl`, `b.w`, or `b.w` with a condition.
fn wide(place: u32, first: u16, second: u16) -> Option<u32> {
    let (first, second) = (u32::from(first), u32::from(second));
    let bit = |word: u32, place: u32| word >> place & 1;
    let (s, j1, j2) = (bit(first, 10), bit(second, 13), bit(second, 11));
    let offset = match (bit(second, 14), bit(second, 12)) {
        (_, 1) => {
            let (i1, i2) = (1 ^ j1 ^ s, 1 ^ j2 ^ s);
            let high = s << 23 | i1 << 22 | i2 << 21 | (first & 0x3FF) << 11;
            sign(high | second & 0x7FF, 24)
        }
        (0, 0) if first >> 6 & 0xE != 0xE => {
            let high = s << 19 | j2 << 18 | j1 << 17 | (first & 0x3F) << 11;
            sign(high | second & 0x7FF, 20)
        }
        _ => return None,
    };
    Some(place.wrapping_add(4).wrapping_add(offset << 1))
}

/// Sign-extends an integer of this many bits.
fn sign(number: u32, bits: u32) -> u32 {
    ((number << (32 - bits)) as i32 >> (32 - bits)) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_lead_where_the_assembler_meant() {
        // From `arm-none-eabi-objdump`: 1ee: f001 fb63  bl 18b8.
        assert_eq!(wide(0x1EE, 0xF001, 0xFB63), Some(0x18B8));
        // 10: f7ff fffe  bl 10, to itself.
        assert_eq!(wide(0x10, 0xF7FF, 0xFFFE), Some(0x10));
        assert_eq!(sign(0x7FE, 11) << 1, (-4_i32) as u32);
    }

    #[test]
    fn frames_are_read_in_groups_of_seven_bits() {
        let bytes = [0x01, 0x10, 0, 0, 0x08, 0x41, 0x20, 0, 0, 0x84, 0x02];
        assert_eq!(frames(&bytes), BTreeMap::from([(0x1000, 8), (0x2040, 260)]));
    }
}
