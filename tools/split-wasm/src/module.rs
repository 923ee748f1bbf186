//! A module as it is read: what the parts of this program need to know of it, and the sections to copy.

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{
    CodeSectionReader, CompositeInnerType, DataKind, DataSectionReader, Element, Export, FuncType, FunctionBody,
    Global, Import, MemoryType, Operator, Parser, Payload, TableSectionReader, TypeRef, TypeSectionReader,
};

/// A parsed module of the features that compilers of Rust use: one table of functions at most, active data.
pub struct Module<'a> {
    pub types: Vec<FuncType>,
    pub type_section: TypeSectionReader<'a>,
    pub imports: Vec<Import<'a>>,
    /// The type of each function, imported ones first.
    pub functions: Vec<u32>,
    pub tables: Option<TableSectionReader<'a>>,
    pub memories: Vec<MemoryType>,
    pub globals: Vec<Global<'a>>,
    pub exports: Vec<Export<'a>>,
    pub start: Option<u32>,
    pub elements: Vec<Element<'a>>,
    pub bodies: Vec<FunctionBody<'a>>,
    pub data: Option<DataSectionReader<'a>>,
}

impl<'a> Module<'a> {
    pub fn parse(bytes: &'a [u8]) -> Result<Self> {
        let mut types = None;
        let mut module = Self {
            types: Vec::new(),
            type_section: TypeSectionReader::new(wasmparser::BinaryReader::new(&[0], 0))?,
            imports: Vec::new(),
            functions: Vec::new(),
            tables: None,
            memories: Vec::new(),
            globals: Vec::new(),
            exports: Vec::new(),
            start: None,
            elements: Vec::new(),
            bodies: Vec::new(),
            data: None,
        };
        for payload in Parser::new(0).parse_all(bytes) {
            match payload? {
                Payload::TypeSection(reader) => types = Some(reader),
                Payload::ImportSection(reader) => {
                    for import in reader.into_imports() {
                        let import = import?;
                        match import.ty {
                            TypeRef::Func(of_type) => module.functions.push(of_type),
                            other => bail!("an import that is no function: {other:?}"),
                        }
                        module.imports.push(import);
                    }
                }
                Payload::FunctionSection(reader) => {
                    for of_type in reader {
                        module.functions.push(of_type?);
                    }
                }
                Payload::TableSection(reader) => module.tables = Some(reader),
                Payload::MemorySection(reader) => module.memories = reader.into_iter().collect::<Result<_, _>>()?,
                Payload::GlobalSection(reader) => module.globals = reader.into_iter().collect::<Result<_, _>>()?,
                Payload::ExportSection(reader) => module.exports = reader.into_iter().collect::<Result<_, _>>()?,
                Payload::StartSection { func, .. } => module.start = Some(func),
                Payload::ElementSection(reader) => module.elements = reader.into_iter().collect::<Result<_, _>>()?,
                Payload::CodeSectionStart { range, .. } => {
                    let code =
                        CodeSectionReader::new(wasmparser::BinaryReader::new(&bytes[range.clone()], range.start))?;
                    module.bodies = code.into_iter().collect::<Result<_, _>>()?;
                }
                Payload::DataSection(reader) => module.data = Some(reader),
                Payload::TagSection(_) => bail!("a section of exceptions"),
                _ => {}
            }
        }
        module.type_section = types.context("no types")?;
        for group in module.type_section.clone() {
            for of_type in group?.into_types() {
                match of_type.composite_type.inner {
                    CompositeInnerType::Func(of_type) => module.types.push(of_type),
                    other => bail!("a type that is no function's: {other:?}"),
                }
            }
        }
        for segment in module.data.clone().into_iter().flatten() {
            ensure!(matches!(segment?.kind, DataKind::Active { .. }), "data that is not put in place at once");
        }
        Ok(module)
    }

    /// How many functions are imported: the first that is defined has this index.
    pub fn imported(&self) -> u32 {
        self.imports.len() as u32
    }

    /// The defined functions, by index.
    pub fn defined(&self) -> std::ops::Range<u32> {
        self.imported()..self.functions.len() as u32
    }

    pub fn body(&self, function: u32) -> &FunctionBody<'a> {
        &self.bodies[(function - self.imported()) as usize]
    }

    pub fn type_of(&self, function: u32) -> &FuncType {
        &self.types[self.functions[function as usize] as usize]
    }

    /// Calls `see` with each instruction of a function.
    pub fn each_operator(&self, function: u32, mut see: impl FnMut(Operator<'a>) -> Result<()>) -> Result<()> {
        let mut reader = self.body(function).get_operators_reader()?;
        while !reader.eof() {
            see(reader.read()?)?;
        }
        Ok(())
    }
}
