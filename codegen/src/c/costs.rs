//! The cost of the C file on a processor: the size of its code as compiled for it, and the stack of
//! its functions.
//!
//! The compiler states each function's frame and callees (`-fcallgraph-info=su`, gcc 10 and later);
//! the stack of a function is the deepest path from it. Functions outside the file (`memcpy`,
//! arithmetic in software) have no frame there.

use crate::resources::{Processor, Program};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// The compiler that is used.
const COMPILER: &str = "arm-none-eabi-gcc";

/// The optimisation level of the figures.
const LEVEL: &str = "-O2";

/// The costs of the compiled C file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CCosts {
    /// The compiler, its flags for the processor and the level.
    pub compiler: String,
    /// Bytes of instructions.
    pub code_bytes: usize,
    /// Bytes of stack of a call, without functions outside the file.
    pub stack_bytes: usize,
    /// Bytes of stack of the self-test, without functions outside the file.
    pub self_test_stack_bytes: usize,
    /// The functions outside the file that it calls.
    pub calls: Vec<String>,
}

impl CCosts {
    /// Compiles the files (name and text) of an emulator.
    ///
    /// # Errors
    /// There is no compiler, or it rejects the file: its message.
    pub(super) fn measure(
        files: &[(String, String)],
        prefix: &str,
        processor: Processor,
    ) -> Result<Self, String> {
        let version = Command::new(COMPILER).arg("-dumpfullversion").output();
        let Ok(version) = version else {
            return Err(format!(
                "{COMPILER}, install with apt-get install gcc-arm-none-eabi libnewlib-arm-none-eabi"
            ));
        };
        let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let at = |name: &str| folder.path().join(name);
        for (name, text) in files {
            std::fs::write(at(name), text).map_err(|error| format!("{name}: {error}"))?;
        }
        let flags = processor.c_flags();
        let mut compile = Command::new(COMPILER);
        compile
            .current_dir(folder.path())
            .args(flags)
            .args([LEVEL, "-std=c99", "-ffp-contract=off", "-fno-math-errno"])
            .args(["-fcallgraph-info=su", "-c", "-o", "out.o"])
            .arg(format!("{prefix}.c"));
        let output = compile.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{COMPILER} does not compile the file:\n{said}"));
        }
        let read = |name: &str| std::fs::read(at(name)).map_err(|error| format!("{name}: {error}"));
        let object = read("out.o")?;
        let object = Program::new(&object).ok_or("the compiler wrote no ELF file of 32 bits")?;
        let graph = String::from_utf8_lossy(&read(&graph_file(&at(""), "out")?)?).into_owned();
        let graph = CallGraph::new(&graph);
        let stack = |function: &str| {
            let name = format!("{prefix}_{function}");
            let depth = graph.depth(&name);
            depth.ok_or(format!("the compiler states no frame of {name}"))
        };
        Ok(Self {
            compiler: format!("{COMPILER} {version} {} {LEVEL}", flags.join(" ")),
            code_bytes: object.code_size(),
            stack_bytes: stack("predict")?.max(stack("predict_with")?),
            self_test_stack_bytes: stack("self_test")?,
            calls: graph.beyond(),
        })
    }
}

/// The file of the call graph, whose name depends on the version of the compiler.
fn graph_file(folder: &Path, object: &str) -> Result<String, String> {
    let entries = std::fs::read_dir(folder).map_err(|error| error.to_string())?;
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut graphs = names.filter(|name| name.ends_with(".ci"));
    graphs.next().ok_or(format!(
        "the compiler states no frames beside {object}; gcc 10 and later do"
    ))
}

/// Functions with their frames and callees, by the names in the compiler's graph.
struct CallGraph<'a> {
    frames: BTreeMap<&'a str, usize>,
    calls: BTreeMap<&'a str, Vec<&'a str>>,
}

impl<'a> CallGraph<'a> {
    /// Reads the lines `node: { title: ".." label: "NAME\nPLACE\nN bytes (static)..." }` and
    /// `edge: { sourcename: ".." targetname: ".." .. }`.
    fn new(text: &'a str) -> Self {
        let mut graph = Self {
            frames: BTreeMap::new(),
            calls: BTreeMap::new(),
        };
        for line in text.lines() {
            if line.starts_with("node:") {
                let frame = quoted(line, "label").and_then(frame);
                if let (Some(name), Some(frame)) = (quoted(line, "title"), frame) {
                    graph.frames.insert(name, frame);
                }
            } else if line.starts_with("edge:")
                && let Some(from) = quoted(line, "sourcename")
                && let Some(to) = quoted(line, "targetname")
            {
                graph.calls.entry(from).or_default().push(to);
            }
        }
        graph
    }

    /// The deepest stack from a function on; `None` if it is absent or recursive.
    fn depth(&self, function: &str) -> Option<usize> {
        let of_file = |title: &&&str| title.rsplit(':').next() == Some(function);
        let title = self.frames.keys().find(of_file)?;
        self.deepest(title, &mut Vec::new())
    }

    fn deepest(&self, title: &'a str, above: &mut Vec<&'a str>) -> Option<usize> {
        if above.contains(&title) {
            return None;
        }
        above.push(title);
        let mut deepest = 0;
        for callee in self.calls.get(title).into_iter().flatten() {
            deepest = deepest.max(self.deepest(callee, above)?);
        }
        above.pop();
        Some(self.frames.get(title).copied().unwrap_or(0) + deepest)
    }

    /// The functions that are called and have no frame here.
    fn beyond(&self) -> Vec<String> {
        let called = self.calls.values().flatten();
        let mut names: Vec<_> = called
            .filter(|name| !self.frames.contains_key(*name))
            .map(|name| name.trim_start_matches("__builtin_").to_owned())
            .collect();
        names.sort();
        names.dedup();
        names
    }
}

/// The text in quotation marks after `key: `.
fn quoted<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!("{key}: \""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// The bytes of a label's frame.
fn frame(label: &str) -> Option<usize> {
    let line = label.split("\\n").find(|part| part.contains(" bytes ("))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_takes_its_frame_and_that_of_the_deepest_that_it_calls() {
        let text = r#"
node: { title: "a.c:leaf" label: "leaf\na.c:1:5\n24 bytes (static)\n0 dynamic objects" }
node: { title: "a.c:other" label: "other\na.c:2:5\n8 bytes (static)\n0 dynamic objects" }
node: { title: "p_predict" label: "p_predict\na.c:3:5\n16 bytes (static)\n0 dynamic objects" }
node: { title: "memcpy" label: "__builtin_memcpy\n<built-in>" shape : ellipse }
edge: { sourcename: "a.c:other" targetname: "a.c:leaf" label: "a.c:2:9" }
edge: { sourcename: "p_predict" targetname: "a.c:other" label: "a.c:3:9" }
edge: { sourcename: "p_predict" targetname: "memcpy" label: "a.c:3:9" }
"#;
        let graph = CallGraph::new(text);
        assert_eq!(graph.depth("p_predict"), Some(48));
        assert_eq!(graph.depth("leaf"), Some(24));
        assert_eq!(graph.depth("absent"), None);
        assert_eq!(graph.beyond(), ["memcpy"]);
        let recursive =
            format!("{text}edge: {{ sourcename: \"a.c:leaf\" targetname: \"a.c:other\" }}\n");
        assert_eq!(CallGraph::new(&recursive).depth("p_predict"), None);
    }
}
