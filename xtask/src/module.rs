//! Processes the browser module between wasm-bindgen and wasm-opt, and reads its items.
//!
//! A panic ends in a trap whatever its message, as this target has nowhere to print it. So the functions
//! that make the message become the trap, what only they need goes too, and the places in the source that
//! messages would name are blanked. (The standard library's own switch for that, `panic=immediate-abort`,
//! is not in the stable toolchain.)

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, anyhow, bail};
use wasm_encoder::{
    CodeSection, DataSection, Function, Module,
    reencode::{self, Reencode},
};
use wasmparser::{
    Data, DataKind, FunctionBody, KnownCustom, Name, NameSectionReader, Operator, Parser, Payload,
};

/// Functions that end in a panic. Those of `core` and `alloc` never return; those of `std` run only
/// after them.
const PANICS: [&str; 16] = [
    "alloc::alloc::handle_alloc_error",
    "alloc::raw_vec::capacity_overflow",
    "alloc::raw_vec::handle_error",
    "core::cell::lazy::panic_poisoned",
    "core::cell::panic_already",
    "core::option::expect_failed",
    "core::option::unwrap_failed",
    "core::panicking::",
    "core::result::unwrap_failed",
    "core::slice::index::slice_",
    "core::str::slice_error_fail",
    "std::alloc::default_alloc_error_hook",
    "std::alloc::rust_oom",
    "std::panicking::begin_panic",
    "std::panicking::panic_handler",
    "std::panicking::panic_with_hook",
];

/// Removes what only panics need.
pub fn slim(wasm: &[u8]) -> Result<Vec<u8>> {
    let facts = Facts::read(wasm)?;
    let (traps, formats) = facts.traps();
    let mut data = facts.data;
    if !formats {
        blank_locations(&mut data);
    }
    let mut pass = Pass {
        traps,
        data,
        next_body: facts.imported,
        next_data: 0,
    };
    let mut module = Module::new();
    pass.parse_core_module(&mut module, Parser::new(0), wasm)
        .map_err(|error| anyhow!("the module cannot be written: {error}"))?;
    Ok(module.finish())
}

/// The functions and data of a module that has names, with their bytes, largest first.
pub fn items(wasm: &[u8]) -> Result<Vec<(String, usize)>> {
    let facts = Facts::read(wasm)?;
    let named = |(index, (size, _)): (&u32, &(usize, Vec<u32>))| (facts.name(*index), *size);
    let mut items: Vec<_> = facts.bodies.iter().map(named).collect();
    let data = facts.data.iter().map(|segment| segment.bytes.len()).sum();
    items.push(("(data)".to_owned(), data));
    items.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    Ok(items)
}

/// What is read of a module.
#[derive(Default)]
struct Facts {
    imported: u32,
    names: BTreeMap<u32, String>,
    /// Size and calls of each function.
    bodies: BTreeMap<u32, (usize, Vec<u32>)>,
    data: Vec<Segment>,
}

/// Initial bytes of the memory.
struct Segment {
    address: usize,
    bytes: Vec<u8>,
}

impl Facts {
    fn read(wasm: &[u8]) -> Result<Self> {
        let mut facts = Self::default();
        for payload in Parser::new(0).parse_all(wasm) {
            let payload = payload?;
            if let Payload::ImportSection(section) = payload {
                for import in section.into_imports() {
                    if matches!(import?.ty, wasmparser::TypeRef::Func(_)) {
                        facts.imported += 1;
                    }
                }
            } else if let Payload::CodeSectionEntry(body) = payload {
                let index = facts.imported + u32::try_from(facts.bodies.len())?;
                let calls = calls(&body)?;
                facts.bodies.insert(index, (body.range().len(), calls));
            } else if let Payload::DataSection(section) = payload {
                for data in section {
                    facts.data.push(Segment::read(&data?)?);
                }
            } else if let Payload::CustomSection(section) = payload
                && let KnownCustom::Name(names) = section.as_known()
            {
                facts.read_names(names)?;
            }
        }
        Ok(facts)
    }

    fn read_names(&mut self, names: NameSectionReader<'_>) -> Result<()> {
        for name in names {
            if let Name::Function(map) = name? {
                for naming in map {
                    let naming = naming?;
                    self.names.insert(naming.index, plain(naming.name));
                }
            }
        }
        Ok(())
    }

    fn name(&self, index: u32) -> String {
        let unknown = || format!("function {index}");
        self.names.get(&index).cloned().unwrap_or_else(unknown)
    }

    /// The functions that become a trap: panics, and formatting if nothing else formats. Formatting is
    /// reached through tables of functions, so it cannot be seen from the calls alone which of it is
    /// used; but all of it begins with a call of one of its functions.
    ///
    /// Returns whether anything formats, too.
    fn traps(&self) -> (BTreeSet<u32>, bool) {
        let (mut panics, mut formats) = (BTreeSet::new(), BTreeSet::new());
        for index in self.bodies.keys() {
            let name = self.name(*index);
            let name = name.trim_start_matches('<');
            if PANICS.iter().any(|panic| name.starts_with(panic)) {
                panics.insert(*index);
            } else if name.contains("core::fmt::") {
                formats.insert(*index);
            }
        }
        let stays = |index: &u32| !panics.contains(index) && !formats.contains(index);
        let formatting: Vec<_> = self
            .bodies
            .iter()
            .filter(|(index, _)| stays(index))
            .filter_map(|(index, (_, calls))| {
                let called = calls.iter().find(|call| formats.contains(call))?;
                Some((self.name(*index), self.name(*called)))
            })
            .collect();
        for (caller, called) in &formatting {
            println!("core::fmt stays in the module: {caller} calls {called}");
        }
        if formatting.is_empty() {
            panics.append(&mut formats);
        }
        (panics, !formatting.is_empty())
    }
}

impl Segment {
    fn read(data: &Data<'_>) -> Result<Self> {
        let DataKind::Active { offset_expr, .. } = &data.kind else {
            bail!("a data segment that is not active");
        };
        let Operator::I32Const { value } = offset_expr.get_operators_reader().read()? else {
            bail!("a data segment without a fixed place");
        };
        Ok(Self {
            address: usize::try_from(value)?,
            bytes: data.data.to_vec(),
        })
    }
}

/// Blanks every `core::panic::Location` (address and length of the file's name, line, column), and the
/// names, which end in `.rs` and a zero byte. Only messages of panics read them.
fn blank_locations(data: &mut [Segment]) {
    let mut blanks = Vec::new();
    for segment in &*data {
        let aligned = segment.address.next_multiple_of(4);
        for address in (aligned..segment.address + segment.bytes.len()).step_by(4) {
            let word = |index: usize| number_at(data, address + 4 * index);
            let (Some(file), Some(length), Some(line), Some(column)) =
                (word(0), word(1), word(2), word(3))
            else {
                continue;
            };
            let name = bytes_at(data, file, length + 1);
            if name.is_some_and(|name| name.ends_with(b".rs\0"))
                && (1..1 << 20).contains(&line)
                && (1..1 << 10).contains(&column)
            {
                blanks.extend([(address, 16), (file, length)]);
            }
        }
    }
    for (address, length) in blanks {
        for segment in &mut *data {
            if let Some(start) = address.checked_sub(segment.address)
                && let Some(bytes) = segment.bytes.get_mut(start..start + length)
            {
                bytes.fill(0);
            }
        }
    }
}

fn number_at(data: &[Segment], address: usize) -> Option<usize> {
    let bytes = bytes_at(data, address, 4)?;
    usize::try_from(u32::from_le_bytes(bytes.try_into().ok()?)).ok()
}

fn bytes_at(data: &[Segment], address: usize, length: usize) -> Option<&[u8]> {
    data.iter().find_map(|segment| {
        let start = address.checked_sub(segment.address)?;
        segment.bytes.get(start..start.checked_add(length)?)
    })
}

fn calls(body: &FunctionBody<'_>) -> Result<Vec<u32>> {
    let mut calls = Vec::new();
    for operator in body.get_operators_reader()? {
        if let Operator::Call { function_index } = operator? {
            calls.push(function_index);
        }
    }
    Ok(calls)
}

/// A name without the hashes that compilers put into it.
fn plain(name: &str) -> String {
    let is_hash =
        |text: &str| text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut plain = String::new();
    let mut rest = name;
    while let Some((before, after)) = rest.split_once('[') {
        plain.push_str(before);
        match after.split_once(']') {
            Some((hash, after)) if is_hash(hash) => rest = after,
            Some(_) | None => {
                plain.push('[');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    match plain.rsplit_once("::h") {
        Some((path, hash)) if is_hash(hash) => path.to_owned(),
        Some(_) | None => plain,
    }
}

/// The rewriting of a module.
struct Pass {
    traps: BTreeSet<u32>,
    data: Vec<Segment>,
    next_body: u32,
    next_data: usize,
}

impl Reencode for Pass {
    type Error = anyhow::Error;

    fn parse_data(
        &mut self,
        section: &mut DataSection,
        data: Data<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let bytes = std::mem::take(&mut self.data[self.next_data].bytes);
        self.next_data += 1;
        let data = Data {
            data: &bytes,
            ..data
        };
        reencode::utils::parse_data(self, section, data)
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: FunctionBody<'_>,
    ) -> Result<(), reencode::Error<Self::Error>> {
        let index = self.next_body;
        self.next_body += 1;
        if self.traps.contains(&index) {
            let mut function = Function::new([]);
            function.instructions().unreachable().end();
            code.function(&function);
            return Ok(());
        }
        reencode::utils::parse_function_body(self, code, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_hashes_and_nothing_else() {
        assert_eq!(
            plain("<alloc[3ca501edff3f0c7c]::vec::Vec<[u8]>>::push"),
            "<alloc::vec::Vec<[u8]>>::push"
        );
        assert_eq!(plain("a::b::h92ed12cfaf0d7a1b"), "a::b");
        assert_eq!(plain("a::here"), "a::here");
    }

    #[test]
    fn locations_are_blanked_and_nothing_else() {
        let mut bytes = b"src/a.rs\0 other".to_vec();
        bytes.resize(16, 0);
        for word in [1024, 8, 7, 5, 1024, 7, 7, 5] {
            bytes.extend(u32::to_le_bytes(word));
        }
        let before = bytes.clone();
        let mut data = [Segment {
            address: 1024,
            bytes,
        }];
        blank_locations(&mut data);
        let [Segment { bytes, .. }] = data;
        assert_eq!(bytes[..8], [0; 8]);
        assert_eq!(bytes[8..16], before[8..16]);
        assert_eq!(bytes[16..32], [0; 16]);
        assert_eq!(bytes[32..], before[32..]);
    }
}
