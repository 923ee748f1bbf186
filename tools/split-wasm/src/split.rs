//! Cuts a module in two.
//!
//! The first module has the functions of a profile, all data, the memory and the tables, and does all that the whole one
//! did: for each function that it lacks and refers to it has a *door*, a function of the same type that calls the real
//! one by the table. A door that is used before the rest is there has it loaded by an imported function, which has to
//! return only after that. The rest imports from the first module what it uses of it, and puts its functions into the
//! table when it is instantiated.

use crate::module::Module;
use anyhow::{Context, Result, bail};
use std::collections::{BTreeMap, BTreeSet};
use wasm_encoder::reencode::{Error, Reencode, utils};
use wasm_encoder::{
    BlockType, CodeSection, ConstExpr, ElementSection, Elements, EntityType, ExportKind, ExportSection, Function,
    FunctionSection, GlobalSection, GlobalType, ImportSection, Instruction, TableSection, TableType, TypeSection,
    ValType,
};
use wasmparser::{ElementItems, ExternalKind, Operator};

/// The name under which the rest imports what is the first module's.
const FIRST: &str = "first";

/// Whole functions, by index in the whole module.
type Functions = BTreeSet<u32>;

pub fn split(module: &Module, first: &Functions, loader: &str) -> Result<(Vec<u8>, Vec<u8>)> {
    let plan = Plan::new(module, first, loader)?;
    Ok((plan.first()?, plan.rest()?))
}

/// Who goes where.
struct Plan<'m, 'a> {
    module: &'m Module<'a>,
    first: Functions,
    rest: Functions,
    /// Functions of the rest to which the first module refers, in the order of their doors.
    doors: Vec<u32>,
    /// What the rest uses of the first module.
    used_functions: Vec<u32>,
    used_globals: Vec<u32>,
    uses_table: BTreeSet<u32>,
    /// The imported function that loads the rest.
    loader: u32,
    /// The first of the table's slots that are the doors'.
    first_slot: u64,
}

impl<'m, 'a> Plan<'m, 'a> {
    fn new(module: &'m Module<'a>, first: &Functions, loader: &str) -> Result<Self> {
        let is_loader = |import: &&wasmparser::Import| import.name.contains(loader);
        let loader =
            module.imports.iter().position(|import| is_loader(&import)).context("the loader is not imported")?;
        let mut first: Functions = first.iter().copied().filter(|it| module.defined().contains(it)).collect();
        first.extend(module.start.filter(|start| *start >= module.imported()));
        let rest: Functions = module.defined().filter(|function| !first.contains(function)).collect();
        let mut doors = Functions::new();
        for &function in &first {
            module.each_operator(function, |operator| {
                if let Operator::Call { function_index } | Operator::RefFunc { function_index } = operator
                    && rest.contains(&function_index)
                {
                    doors.insert(function_index);
                }
                Ok(())
            })?;
        }
        let exported =
            module.exports.iter().filter(|export| export.kind == ExternalKind::Func).map(|export| export.index);
        doors.extend(exported.filter(|function| rest.contains(function)));
        for element in &module.elements {
            let ElementItems::Functions(functions) = element.items.clone() else { bail!("a table of expressions") };
            for function in functions {
                let function = function?;
                if rest.contains(&function) {
                    doors.insert(function);
                }
            }
        }
        let (mut used_functions, mut used_globals, mut uses_table) =
            (Functions::new(), BTreeSet::new(), BTreeSet::from([0]));
        for &function in &rest {
            module.each_operator(function, |operator| {
                match operator {
                    Operator::Call { function_index } | Operator::RefFunc { function_index }
                        if !rest.contains(&function_index) =>
                    {
                        used_functions.insert(function_index);
                    }
                    Operator::GlobalGet { global_index } | Operator::GlobalSet { global_index } => {
                        used_globals.insert(global_index);
                    }
                    Operator::CallIndirect { table_index, .. } => _ = uses_table.insert(table_index),
                    Operator::TableGet { table }
                    | Operator::TableSet { table }
                    | Operator::TableGrow { table }
                    | Operator::TableSize { table }
                    | Operator::TableFill { table } => _ = uses_table.insert(table),
                    Operator::TableInit { .. } | Operator::ElemDrop { .. } | Operator::TableCopy { .. } => {
                        bail!("a table that is filled by code")
                    }
                    _ => {}
                }
                Ok(())
            })?;
        }
        let tables = module.tables.clone().context("no table")?;
        let first_slot = tables.into_iter().next().context("no table")??.ty.initial;
        Ok(Self {
            module,
            first,
            rest,
            doors: doors.into_iter().collect(),
            used_functions: used_functions.into_iter().collect(),
            used_globals: used_globals.into_iter().collect(),
            uses_table,
            loader: loader as u32,
            first_slot,
        })
    }

    /// The global of the first module that says whether the rest is there.
    fn is_loaded(&self) -> u32 {
        self.module.globals.len() as u32
    }

    fn first(&self) -> Result<Vec<u8>> {
        let module = self.module;
        let kept = self.first.iter().chain(&self.doors);
        let mut indices: BTreeMap<u32, u32> = (0..module.imported()).map(|index| (index, index)).collect();
        indices.extend(kept.clone().copied().zip(module.imported()..));
        let mut map = Map { functions: indices, globals: None };

        let mut imports = ImportSection::new();
        for import in &module.imports {
            map.parse_import(&mut imports, *import)?;
        }
        let mut functions = FunctionSection::new();
        for &function in kept {
            functions.function(module.functions[function as usize]);
        }
        let mut tables = TableSection::new();
        for of_type in self.tables(&mut map)? {
            tables.table(of_type);
        }
        let mut memories = wasm_encoder::MemorySection::new();
        for memory in &module.memories {
            memories.memory(map.memory_type(*memory)?);
        }
        let mut globals = GlobalSection::new();
        for global in &module.globals {
            map.parse_global(&mut globals, global.clone())?;
        }
        let flag = GlobalType { val_type: ValType::I32, mutable: true, shared: false };
        globals.global(flag, &ConstExpr::i32_const(0));
        let mut exports = ExportSection::new();
        for export in &module.exports {
            map.parse_export(&mut exports, *export)?;
        }
        for (name, kind, index) in self.shared() {
            let index = if kind == ExportKind::Func { map.function_index(index)? } else { index };
            exports.export(&name, kind, index);
        }
        let mut elements = ElementSection::new();
        for element in &module.elements {
            map.parse_element(&mut elements, element.clone())?;
        }
        let mut code = CodeSection::new();
        for &function in &self.first {
            map.parse_function_body(&mut code, module.body(function).clone())?;
        }
        for (&function, slot) in self.doors.iter().zip(self.first_slot..) {
            code.function(&self.door(function, slot)?);
        }

        let mut out = wasm_encoder::Module::new();
        out.section(&self.types()?).section(&imports).section(&functions).section(&tables).section(&memories);
        out.section(&globals).section(&exports);
        if let Some(start) = module.start {
            out.section(&wasm_encoder::StartSection { function_index: map.function_index(start)? });
        }
        out.section(&elements).section(&code);
        if let Some(data) = module.data.clone() {
            let mut copy = wasm_encoder::DataSection::new();
            map.parse_data_section(&mut copy, data)?;
            out.section(&copy);
        }
        Ok(out.finish())
    }

    /// Has the rest loaded when it is not there yet, and calls the function in the slot.
    fn door(&self, function: u32, slot: u64) -> Result<Function> {
        let mut door = Function::new([]);
        door.instruction(&Instruction::GlobalGet(self.is_loaded()))
            .instruction(&Instruction::I32Eqz)
            .instruction(&Instruction::If(BlockType::Empty))
            .instruction(&Instruction::Call(self.loader))
            .instruction(&Instruction::End);
        for parameter in 0..self.module.type_of(function).params().len() as u32 {
            door.instruction(&Instruction::LocalGet(parameter));
        }
        let type_index = self.module.functions[function as usize];
        door.instruction(&Instruction::I32Const(i32::try_from(slot)?))
            .instruction(&Instruction::CallIndirect { type_index, table_index: 0 })
            .instruction(&Instruction::End);
        Ok(door)
    }

    /// What the rest imports: its name, its kind, its index in the whole module.
    fn shared(&self) -> Vec<(String, ExportKind, u32)> {
        // There are hundreds: their names are short.
        let names = (0..).map(|number| format!("f{number:x}"));
        let functions =
            self.used_functions.iter().zip(names).map(|(index, name): (_, String)| (name, ExportKind::Func, *index));
        let tables = self.uses_table.iter().map(|index| (format!("t{index}"), ExportKind::Table, *index));
        let memories =
            (0..self.module.memories.len() as u32).map(|index| (format!("m{index}"), ExportKind::Memory, index));
        let globals = self.used_globals.iter().copied().chain([self.is_loaded()]);
        let globals = globals.map(|index| (format!("g{index}"), ExportKind::Global, index));
        functions.chain(tables).chain(memories).chain(globals).collect()
    }

    fn rest(&self) -> Result<Vec<u8>> {
        let module = self.module;
        let imported = self.used_functions.iter().chain(&self.rest).copied();
        let mut map = Map {
            functions: imported.zip(0..).collect(),
            globals: Some(self.used_globals.iter().copied().chain([self.is_loaded()]).zip(0..).collect()),
        };
        let tables = self.tables(&mut map)?;
        // Tables keep their index only when none before them is left out.
        anyhow::ensure!(self.uses_table.iter().copied().eq(0..self.uses_table.len() as u32), "tables with gaps");

        let mut imports = ImportSection::new();
        for (name, kind, index) in self.shared() {
            let entity = match kind {
                ExportKind::Func => EntityType::Function(module.functions[index as usize]),
                ExportKind::Table => EntityType::Table(tables[index as usize]),
                ExportKind::Memory => EntityType::Memory(map.memory_type(module.memories[index as usize])?),
                _ if index == self.is_loaded() => {
                    EntityType::Global(GlobalType { val_type: ValType::I32, mutable: true, shared: false })
                }
                _ => EntityType::Global(map.global_type(module.globals[index as usize].ty)?),
            };
            imports.import(FIRST, &name, entity);
        }
        let mut functions = FunctionSection::new();
        for &function in &self.rest {
            functions.function(module.functions[function as usize]);
        }
        // Its last function says that it is there.
        let no_arguments = module.types.iter().position(|it| it.params().is_empty() && it.results().is_empty());
        functions.function(no_arguments.context("no type for the start")? as u32);
        let arrived = self.used_functions.len() as u32 + self.rest.len() as u32;
        let slots: Vec<u32> = self.doors.iter().map(|function| map.functions[function]).collect();
        let mut elements = ElementSection::new();
        elements.active(
            None,
            &ConstExpr::i32_const(i32::try_from(self.first_slot)?),
            Elements::Functions(slots.into()),
        );
        let mut code = CodeSection::new();
        for &function in &self.rest {
            map.parse_function_body(&mut code, module.body(function).clone())?;
        }
        let mut start = Function::new([]);
        let flag = map.global_index(self.is_loaded())?;
        start
            .instruction(&Instruction::I32Const(1))
            .instruction(&Instruction::GlobalSet(flag))
            .instruction(&Instruction::End);
        code.function(&start);

        let mut out = wasm_encoder::Module::new();
        out.section(&self.types()?).section(&imports).section(&functions);
        out.section(&wasm_encoder::StartSection { function_index: arrived }).section(&elements).section(&code);
        Ok(out.finish())
    }

    /// The types of the tables; the first has slots for the doors.
    fn tables(&self, map: &mut Map) -> Result<Vec<TableType>> {
        let doors = self.doors.len() as u64;
        let mut tables = Vec::new();
        for table in self.module.tables.clone().into_iter().flatten() {
            let mut of_type = map.table_type(table?.ty)?;
            if tables.is_empty() {
                of_type.minimum += doors;
                of_type.maximum = of_type.maximum.map(|maximum| maximum + doors);
            }
            tables.push(of_type);
        }
        Ok(tables)
    }

    fn types(&self) -> Result<TypeSection> {
        let mut types = TypeSection::new();
        utils::parse_type_section(
            &mut wasm_encoder::reencode::RoundtripReencoder,
            &mut types,
            self.module.type_section.clone(),
        )?;
        Ok(types)
    }
}

/// From indices of the whole module to those of a part.
struct Map {
    functions: BTreeMap<u32, u32>,
    /// Globals that are kept have their index, where this is `None`.
    globals: Option<BTreeMap<u32, u32>>,
}

impl Reencode for Map {
    type Error = std::convert::Infallible;

    fn function_index(&mut self, function: u32) -> Result<u32, Error> {
        Ok(self.functions[&function])
    }

    fn global_index(&mut self, global: u32) -> Result<u32, Error> {
        Ok(self.globals.as_ref().map_or(global, |globals| globals[&global]))
    }
}
