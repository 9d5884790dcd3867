//! The names of the C form, chosen so that nothing around it collides: neither a second emulator in
//! one translation unit, nor a macro of the user with the name of a variable.
//!
//! Templates have plain names. Names at file scope get the prefix, in capitals for names in
//! capitals; variables, parameters and fields end in `_`. Comments, strings, and the fields of the
//! header's structures are unchanged.

use std::fmt::Write as _;

/// Words that are not renamed: those of C, of the included headers, and fields that callers use.
const KNOWN: [&str; 56] = [
    "break",
    "case",
    "char",
    "const",
    "continue",
    "default",
    "defined",
    "do",
    "double",
    "else",
    "enum",
    "extern",
    "float",
    "for",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "register",
    "restrict",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "struct",
    "switch",
    "typedef",
    "union",
    "unsigned",
    "void",
    "volatile",
    "while",
    "int32_t",
    "int64_t",
    "uint32_t",
    "uint64_t",
    "uintptr_t",
    "size_t",
    "ptrdiff_t",
    "memcpy",
    "NULL",
    "FLT_MIN",
    "FLT_EVAL_METHOD",
    "values",
    "non_finite",
    "outside",
    "excess",
    "worst",
    "is_far",
    "structure_hash",
    "weights_crc",
    "tool_version",
    "data_sha256",
    "_Pragma",
];

/// The last such field: that of a status.
const RESERVED: &str = "reserved";

/// Headers of C, C++ and POSIX, by their first word: `NAME.h` beside an emulator would shadow them,
/// and some of their macros have the form of ours.
const HEADERS: &str = " aio alloca arpa assert cmath complex conio cpio cstddef cstdint cstring ctype direct dirent dlfcn dos elf \
    endian errno error fcntl features fenv float fmtmsg fnmatch ftw getopt glob grp iconv inttypes io iso646 langinfo libgen limits \
    locale malloc math memory monetary mqueue ndbm netdb poll process pthread pwd regex sched search semaphore setjmp signal \
    spawn stdalign stdarg stdatomic stdbit stdbool stdckdint stddef stdint stdio stdlib stdnoreturn string strings stropts \
    syslog tar termios tgmath threads time trace uchar ulimit unistd utime utmpx values wchar wctype windows wordexp ";

/// Reserved device names on Windows, where no file can have them.
const DEVICES: &str = " con prn aux nul com1 com2 com3 com4 com5 com6 com7 com8 com9 lpt1 lpt2 lpt3 lpt4 lpt5 lpt6 lpt7 lpt8 lpt9 ";

/// The problem with an identifier as a prefix.
pub(super) fn trouble(prefix: &str) -> Option<String> {
    let word = format!(" {prefix} ");
    let macros = |of: &str, header: &str| {
        let capitals = prefix.to_uppercase();
        Some(format!("{capitals}_{of} is a macro of {header}"))
    };
    match prefix {
        _ if HEADERS.contains(&word) => Some(format!("{prefix}.h is a header of the system's")),
        _ if DEVICES.contains(&word) => Some(format!("{prefix}.c is a device on Windows")),
        "fe" => macros("OVERFLOW", "fenv.h"),
        "f" | "r" | "w" | "x" => macros("OK", "unistd.h"),
        _ => None,
    }
}

/// A template with the final names of its file.
pub(super) fn guarded(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '"' => string_length(rest),
            '{' if rest.starts_with("{{") => {
                let end = rest.find("}}").map_or(rest.len(), |end| end + 2);
                end + word_length(&rest[end..])
            }
            '#' => directive_length(rest),
            _ if first.is_ascii_digit() => number_length(rest),
            _ if first.is_ascii_alphabetic() || first == '_' => {
                let length = word_length(rest);
                let (word, after) = rest.split_at(length);
                push_name(&mut text, word, after);
                rest = after;
                continue;
            }
            _ => first.len_utf8(),
        };
        text.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    text
}

/// Appends the final name of `word` to `before`; `after` is the text that follows it.
fn push_name(before: &mut String, word: &str, after: &str) {
    let is_constant = word.contains(|sign: char| sign.is_ascii_uppercase());
    let _ = if KNOWN.contains(&word) || word == RESERVED || word.starts_with("__") {
        before.write_str(word)
    } else if is_constant {
        write!(before, "{{{{PREFIX}}}}_{word}")
    } else if after.starts_with('(') || before.ends_with("struct ") {
        write!(before, "{{{{prefix}}}}_{word}")
    } else {
        write!(before, "{word}_")
    };
}

fn word_length(text: &str) -> usize {
    let is_other = |sign: char| !(sign.is_ascii_alphanumeric() || sign == '_');
    text.find(is_other).unwrap_or(text.len())
}

fn number_length(text: &str) -> usize {
    let mut before = ' ';
    let is_other = |sign: char| {
        let exponent = "+-".contains(sign) && "eE".contains(before) && !text.starts_with("0x");
        before = sign;
        !(sign.is_ascii_alphanumeric() || sign == '.' || exponent)
    };
    text.find(is_other).unwrap_or(text.len())
}

fn string_length(text: &str) -> usize {
    let mut escaped = true;
    let is_end = |sign: char| {
        let ends = sign == '"' && !escaped;
        escaped = sign == '\\' && !escaped;
        ends
    };
    text.find(is_end).map_or(text.len(), |end| end + 1)
}

/// The whole line of a directive that names files or the compiler's own words, the first word of
/// any other.
fn directive_length(text: &str) -> usize {
    let line = text.find('\n').unwrap_or(text.len());
    match ["#include", "#pragma", "#error"]
        .iter()
        .any(|word| text.starts_with(word))
    {
        true => line,
        false => 1 + word_length(&text[1..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_at_file_scope_get_the_prefix_and_all_others_end_in_an_underscore() {
        let template = "/* sum of x */\n#define FMA(a, b, c) a\n#include <x.h>\nstatic float add(const struct range *range, float x)\n{\n    \
                        return range->low[0x1Fu] + FMA(x, 1.5e-5f, add(range, x)) \"x \\\" y\" + {{prefix}}_y;\n}\n#if FUSED\n#endif\n";
        let expected = "/* sum of x */\n#define {{PREFIX}}_FMA(a_, b_, c_) a_\n#include <x.h>\nstatic float {{prefix}}_add(const \
                        struct {{prefix}}_range *range_, float x_)\n{\n    return range_->low_[0x1Fu] + {{PREFIX}}_FMA(x_, 1.5e-5f, \
                        {{prefix}}_add(range_, x_)) \"x \\\" y\" + {{prefix}}_y;\n}\n#if {{PREFIX}}_FUSED\n#endif\n";
        assert_eq!(guarded(template), expected);
    }
}
