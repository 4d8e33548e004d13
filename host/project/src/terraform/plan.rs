//! A Terraform plan as JSON, as `terraform show -json` writes it: its resources with what is planned for them, what is not
//! known before they are made, and the expressions of their configuration.
//!
//! Contract: resources of modules, `count` and `for_each` have their full addresses. OpenTofu writes the same.
//!
//! On failure: a [`ProjectError`] for a file that is not such a plan.

use std::cell::RefCell;
use std::collections::HashMap;

use indexmap::IndexMap;

use crate::ProjectError;
use crate::context::Context;
use crate::file::Place;
use crate::value::{Kind, Value};

/// How many resources a plan may have.
const RESOURCES: usize = 20_000;

/// How deep modules may be nested.
const DEPTH: usize = 20;

/// A resource.
pub struct Planned {
    /// The address: `module.api.aws_lambda_function.hello["a"]`.
    pub address: String,
    /// The type: `aws_lambda_function`.
    pub kind: String,
    /// What is in brackets at the end of the address, with them: of `count` and `for_each`.
    pub index: String,
    /// Where the plan has it.
    pub place: Place,
    /// What is planned, a map. What is not known yet is missing, or null in lists.
    pub values: Value,
    /// What is not known yet: `true` where a value is missing.
    pub unknown: Value,
    /// The expressions of the configuration.
    pub expressions: Value,
    /// The module that it is in.
    pub module: usize,
}

/// An instance of a module.
pub struct Module {
    /// The address: `module.api`; empty for the outermost one.
    pub address: String,
    /// Its configuration: resources, calls of modules, outputs.
    pub configuration: Value,
    /// The module that calls it.
    pub parent: Option<usize>,
    /// The expressions of the call: what its variables are.
    pub arguments: Value,
}

/// A plan.
pub struct Plan {
    /// The resources by their addresses, apart from data sources.
    pub resources: IndexMap<String, Planned>,
    /// The addresses of the resources with `count` or `for_each`, by their addresses without what is in brackets.
    instances: HashMap<String, Vec<String>>,
    /// The data sources by their addresses.
    pub data: IndexMap<String, Planned>,
    /// The modules. The first one is the outermost.
    pub modules: Vec<Module>,
    /// The variables of the outermost module.
    pub variables: Value,
    /// The outputs, as planned.
    pub outputs: Value,
    /// The configuration of the providers.
    pub providers: Value,
    /// What was taken for something by its name, to be told.
    pub guesses: RefCell<Vec<(Place, String)>>,
}

impl Plan {
    /// Reads a plan.
    pub fn read(context: &Context, root: &Value) -> Result<Self, ProjectError> {
        let planned = root.get("planned_values");
        let (Some(planned), Some(configuration)) =
            (planned, root.at(&["configuration", "root_module"]))
        else {
            let message = if root.get("values").is_some() && root.get("terraform_version").is_some()
            {
                "this is a state, not a plan: terraform plan -out plan.bin && terraform show -json plan.bin > plan.json"
            } else {
                "this is not a plan of Terraform as JSON, which has `planned_values` and `configuration`: \
                 terraform plan -out plan.bin && terraform show -json plan.bin > plan.json"
            };
            return Err(context.error(root.place, message));
        };
        let null = Value::null(root.place);
        let mut unknown = HashMap::new();
        for change in root
            .get("resource_changes")
            .map(Value::items)
            .unwrap_or_default()
        {
            if let (Some(address), Some(after)) = (
                change.get("address").and_then(Value::as_str),
                change.at(&["change", "after_unknown"]),
            ) {
                unknown.insert(address.to_owned(), after.clone());
            }
        }
        let mut plan = Self {
            resources: IndexMap::new(),
            instances: HashMap::new(),
            data: IndexMap::new(),
            modules: Vec::new(),
            variables: root
                .get("variables")
                .cloned()
                .unwrap_or_else(|| null.clone()),
            outputs: planned
                .get("outputs")
                .cloned()
                .unwrap_or_else(|| null.clone()),
            providers: root
                .at(&["configuration", "provider_config"])
                .cloned()
                .unwrap_or_else(|| null.clone()),
            guesses: RefCell::default(),
        };
        let module = planned.get("root_module").unwrap_or(&null);
        let root_module = Module {
            address: String::new(),
            configuration: configuration.clone(),
            parent: None,
            arguments: null.clone(),
        };
        plan.walk(context, module, root_module, &unknown, 0)?;
        // Data sources are read before the plan is made, if what they need is known.
        let prior = root.at(&["prior_state", "values", "root_module"]);
        plan.read_data(prior.unwrap_or(&null), 0);
        Ok(plan)
    }

    /// The only resource with `count` or `for_each` at an address without what is in brackets.
    pub fn only_instance(&self, address: &str) -> Option<&Planned> {
        match self.instances.get(address)?.as_slice() {
            [only] => self.resources.get(only),
            _ => None,
        }
    }

    /// The module that a module calls by this name.
    pub fn child(&self, module: usize, name: &str, index: &str) -> Option<usize> {
        let address = joined(
            &self.modules.get(module)?.address,
            &format!("module.{name}"),
        );
        let exact = format!("{address}{index}");
        let is_this = |candidate: &Module, wanted: &str| {
            candidate.parent == Some(module) && candidate.address == wanted
        };
        let found = self
            .modules
            .iter()
            .position(|candidate| is_this(candidate, &exact));
        found.or_else(|| {
            let several = format!("{address}[");
            let is_one = |candidate: &Module| {
                candidate.parent == Some(module) && candidate.address.starts_with(&several)
            };
            self.modules.iter().position(is_one)
        })
    }

    fn walk(
        &mut self,
        context: &Context,
        planned: &Value,
        module: Module,
        unknown: &HashMap<String, Value>,
        depth: usize,
    ) -> Result<(), ProjectError> {
        if depth > DEPTH {
            let message = format!("modules are nested more than {DEPTH} deep");
            return Err(context.error(planned.place, &message));
        }
        let number = self.modules.len();
        let address = module.address.clone();
        let configuration = module.configuration.clone();
        self.modules.push(module);
        let mut expressions = HashMap::new();
        for resource in configuration
            .get("resources")
            .map(Value::items)
            .unwrap_or_default()
        {
            expressions.insert(identity(resource), resource.get("expressions"));
        }
        for resource in planned
            .get("resources")
            .map(Value::items)
            .unwrap_or_default()
        {
            let expressions = expressions.get(&identity(resource)).copied().flatten();
            self.add(resource, number, expressions, unknown);
        }
        if self.resources.len() > RESOURCES {
            let message = format!("the plan has more than {RESOURCES} resources");
            return Err(context.error(planned.place, &message));
        }
        let children = planned
            .get("child_modules")
            .map(Value::items)
            .unwrap_or_default();
        let calls = configuration.get("module_calls");
        for (name, call) in calls.into_iter().flat_map(Value::members) {
            let prefix = joined(&address, &format!("module.{name}"));
            let is_instance = |child: &&Value| {
                let address = child
                    .get("address")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                address
                    .strip_prefix(&prefix)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
            };
            let null = Value::null(call.place);
            let instance = |address: &str| Module {
                address: address.to_owned(),
                configuration: call.get("module").cloned().unwrap_or_else(|| null.clone()),
                parent: Some(number),
                arguments: call
                    .get("expressions")
                    .cloned()
                    .unwrap_or_else(|| null.clone()),
            };
            let mut instances = children.iter().filter(is_instance).peekable();
            if instances.peek().is_none() {
                // A module without resources has outputs all the same.
                self.walk(context, &null, instance(&prefix), unknown, depth + 1)?;
            }
            for child in instances {
                let address = child
                    .get("address")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                self.walk(context, child, instance(address), unknown, depth + 1)?;
            }
        }
        Ok(())
    }

    fn add(
        &mut self,
        resource: &Value,
        module: usize,
        expressions: Option<&Value>,
        unknown: &HashMap<String, Value>,
    ) {
        let [mode, kind, _] = identity(resource);
        let address = resource
            .get("address")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let null = || Value::null(resource.place);
        let planned = Planned {
            index: match address.rfind('[') {
                Some(at) if address.ends_with(']') => {
                    address.get(at..).unwrap_or_default().to_owned()
                }
                _ => String::new(),
            },
            kind: kind.to_owned(),
            place: resource.place,
            values: resource.get("values").cloned().unwrap_or_else(null),
            unknown: unknown.get(&address).cloned().unwrap_or_else(null),
            expressions: expressions.cloned().unwrap_or_else(null),
            module,
            address: address.clone(),
        };
        if mode == "data" {
            self.data.insert(address, planned);
        } else {
            if let Some(base) = address
                .strip_suffix(&planned.index)
                .filter(|base| *base != address)
            {
                self.instances
                    .entry(base.to_owned())
                    .or_default()
                    .push(address.clone());
            }
            self.resources.insert(address, planned);
        }
    }

    fn read_data(&mut self, module: &Value, depth: usize) {
        let resources = module
            .get("resources")
            .map(Value::items)
            .unwrap_or_default();
        for resource in resources
            .iter()
            .filter(|resource| resource.text_of("mode").as_deref() == Some("data"))
        {
            self.add(resource, 0, None, &HashMap::new());
        }
        for child in module
            .get("child_modules")
            .map(Value::items)
            .unwrap_or_default()
        {
            if depth < DEPTH {
                self.read_data(child, depth + 1);
            }
        }
    }
}

impl Planned {
    /// What is planned at a path, through blocks, which are lists of one. Empty texts and lists count as nothing.
    pub fn known(&self, path: &[&str]) -> Option<&Value> {
        dig(&self.values, path).filter(|value| !is_nothing(value))
    }

    /// The text that is planned at a path.
    pub fn text(&self, path: &[&str]) -> Option<&str> {
        self.known(path)?.as_str()
    }

    /// The blocks of a name.
    pub fn blocks(&self, name: &str) -> &[Value] {
        self.values.get(name).map(Value::items).unwrap_or_default()
    }
}

/// What a resource and its configuration have in common: mode, type and name.
fn identity(resource: &Value) -> [&str; 3] {
    ["mode", "type", "name"].map(|key| {
        resource
            .get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
    })
}

/// A value at a path, through lists of one.
pub fn dig<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    let mut current = value;
    for key in path {
        if let Some(list) = current.as_list() {
            current = list.first()?;
        }
        current = current.get(key)?;
    }
    Some(current)
}

/// Whether a provider has this for an attribute that is not set.
pub fn is_nothing(value: &Value) -> bool {
    match &value.kind {
        Kind::Null => true,
        Kind::Text(text) => text.is_empty(),
        Kind::List(items) => items.is_empty(),
        Kind::Map(map) => map.is_empty(),
        Kind::Plain(_) | Kind::Unknown(_) => false,
    }
}

/// An address in a module.
pub fn joined(module: &str, address: &str) -> String {
    match module {
        "" => address.to_owned(),
        module => format!("{module}.{address}"),
    }
}
