//! A module that remembers which of its functions were called.

use crate::module::Module;
use anyhow::Result;
use wasm_encoder::reencode::{Reencode, RoundtripReencoder, utils};
use wasm_encoder::{
    CodeSection, ConstExpr, ExportKind, ExportSection, GlobalSection, GlobalType, Instruction, ValType,
};

/// Copies a module; each function sets a global of its own, which is exported as `called INDEX`.
pub fn instrument(module: &Module, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut copy = wasm_encoder::Module::new();
    let mut marks = Marks { module, next: module.defined().start };
    marks.parse_core_module(&mut copy, wasmparser::Parser::new(0), bytes)?;
    Ok(copy.finish())
}

struct Marks<'m, 'a> {
    module: &'m Module<'a>,
    /// The function whose body comes next.
    next: u32,
}

impl Marks<'_, '_> {
    /// The global that a function sets.
    fn mark(&self, function: u32) -> u32 {
        self.module.globals.len() as u32 + function - self.module.imported()
    }
}

impl Reencode for Marks<'_, '_> {
    type Error = std::convert::Infallible;

    fn parse_global_section(
        &mut self,
        globals: &mut GlobalSection,
        section: wasmparser::GlobalSectionReader<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error> {
        utils::parse_global_section(&mut RoundtripReencoder, globals, section)?;
        for _ in self.module.defined() {
            let of_type = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
            globals.global(of_type, &ConstExpr::i32_const(0));
        }
        Ok(())
    }

    fn parse_export_section(
        &mut self,
        exports: &mut ExportSection,
        section: wasmparser::ExportSectionReader<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error> {
        utils::parse_export_section(&mut RoundtripReencoder, exports, section)?;
        for function in self.module.defined() {
            exports.export(&format!("called {function}"), ExportKind::Global, self.mark(function));
        }
        Ok(())
    }

    fn parse_function_body(
        &mut self,
        code: &mut CodeSection,
        body: wasmparser::FunctionBody<'_>,
    ) -> Result<(), wasm_encoder::reencode::Error> {
        let mark = self.mark(self.next);
        self.next += 1;
        let mut copy = self.new_function_with_parsed_locals(&body)?;
        copy.instruction(&Instruction::I32Const(1)).instruction(&Instruction::GlobalSet(mark));
        let mut reader = body.get_operators_reader()?;
        while !reader.eof() {
            copy.instruction(&self.parse_instruction(&mut reader)?);
        }
        code.function(&copy);
        Ok(())
    }
}
