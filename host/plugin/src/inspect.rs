//! Reads what a component is, before any of it is compiled.
//!
//! A plugin has no manifest. The interfaces that it exports determine its roles, and those that it imports determine
//! what it needs. [`inspect`] reads both from the file's sections. It refuses a file that is not a component, plays
//! no role that this host knows, or imports an interface that it may not import, with the reason and what to do.
//!
//! The bytes are not trusted. They are only read here, never run. A component that passes may still be invalid
//! inside; the compiler detects that.

use wasmparser::component_types::{ComponentAnyTypeId, ComponentEntityType};
use wasmparser::{
    CanonicalFunction, CanonicalOption, Parser, Payload, ValidPayload, Validator, WasmFeatures,
};

use crate::contract::Contract;
use crate::engine::Tasks;
use crate::error::ComponentError;
use crate::other_version::OtherVersion;
use crate::role::Role;
use crate::text::quote;
use crate::{imports, limits, wrong_file};

/// The interface that checks the settings of a service.
const SETTINGS: Contract = Contract("lambkin:service/settings@0.1.x");

/// The interface by which a service decides itself which web pages may use it. It has no functions.
const FOREIGN_PAGES: Contract = Contract("lambkin:service/foreign-pages@0.1.x");

/// The number of names of a component that a message lists.
const MAX_NAMES: usize = 12;

/// What was read from the file of a component that this host can use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Inspection {
    /// Its roles, at least one, each with the exported interface as the component spells it.
    pub roles: Vec<(Role, String)>,
    /// Exported interfaces of other roles, in versions that this host does not support.
    pub other_versions: Vec<OtherVersion>,
    /// The exported interface that checks a service's settings.
    pub settings: Option<String>,
    /// Whether it decides itself which web pages may use it as a service.
    pub judges_foreign_pages: bool,
    /// The imported interfaces, in the component's order.
    pub imports: Vec<String>,
    /// What it needs of the engine.
    pub tasks: Tasks,
}

impl Inspection {
    /// The exported interface of a role.
    pub(crate) fn interface(&self, role: Role) -> Option<&str> {
        let (_, interface) = self.roles.iter().find(|(of, _)| *of == role)?;
        Some(interface)
    }

    /// The exported interface of a role, in a version that this host does not support.
    pub(crate) fn other_version(&self, role: Role) -> Option<&OtherVersion> {
        self.other_versions.iter().find(|it| it.role == role)
    }
}

/// Reads the roles and the imports of a component.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspection, ComponentError> {
    if bytes.len() > limits::COMPONENT_BYTES {
        return Err(ComponentError::NotAComponent(format!(
            "its {} bytes are more than the {} MiB a plugin may have; leave out debug information",
            bytes.len(),
            limits::COMPONENT_BYTES >> 20,
        )));
    }
    if !Parser::is_component(bytes) {
        return Err(ComponentError::NotAComponent(wrong_file::describe(bytes)));
    }
    let Names {
        imports,
        exports,
        tasks,
    } = names(bytes)?;
    let (roles, other_versions) = roles(&exports)?;
    // Without the check, mistakes in the settings would only appear when the service is used.
    let settings = optional(SETTINGS, &exports)?;
    let judges_foreign_pages = optional(FOREIGN_PAGES, &exports)?.is_some();
    check_imports(bytes, &imports, &roles)?;
    Ok(Inspection {
        roles,
        other_versions,
        settings,
        judges_foreign_pages,
        imports,
        tasks,
    })
}

/// The top-level imports and exports of a component.
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
    tasks: Tasks,
}

fn names(bytes: &[u8]) -> Result<Names, ComponentError> {
    let mut names = Names {
        imports: Vec::new(),
        exports: Vec::new(),
        tasks: Tasks::One,
    };
    // Components contain components; only the outermost one counts.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(damaged)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    if is_asynchronous(&function.map_err(damaged)?) {
                        names.tasks = Tasks::Many;
                    }
                }
            }
            Payload::ComponentImportSection(section) if depth == 0 => {
                for import in section {
                    add(&mut names.imports, import.map_err(damaged)?.name.name)?;
                }
            }
            Payload::ComponentExportSection(section) if depth == 0 => {
                for export in section {
                    add(&mut names.exports, export.map_err(damaged)?.name.name)?;
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Whether a function of the component model is one of those for concurrent tasks.
fn is_asynchronous(function: &CanonicalFunction) -> bool {
    match function {
        CanonicalFunction::Lift { options, .. } | CanonicalFunction::Lower { options, .. } => {
            options.contains(&CanonicalOption::Async)
        }
        CanonicalFunction::ResourceNew { .. }
        | CanonicalFunction::ResourceDrop { .. }
        | CanonicalFunction::ResourceRep { .. } => false,
        _ => true,
    }
}

fn add(names: &mut Vec<String>, name: &str) -> Result<(), ComponentError> {
    if names.len() == limits::COMPONENT_NAMES {
        return Err(ComponentError::NotAComponent(format!(
            "it has more than {} imports or exports",
            limits::COMPONENT_NAMES
        )));
    }
    names.push(name.to_owned());
    Ok(())
}

fn damaged(error: wasmparser::BinaryReaderError) -> ComponentError {
    ComponentError::NotAComponent(format!(
        "it is a damaged or incomplete component: {} at byte {}; copy or build it again",
        quote(error.message()),
        error.offset(),
    ))
}

/// The roles with a supported interface, and the interfaces of those in other versions only.
type Roles = (Vec<(Role, String)>, Vec<OtherVersion>);

/// Finds the exports that determine the roles.
fn roles(exports: &[String]) -> Result<Roles, ComponentError> {
    let (mut roles, mut other_versions) = (Vec::new(), Vec::new());
    for role in Role::ALL {
        let contract = role.contract();
        let find = |test: &dyn Fn(&str) -> bool| exports.iter().find(|export| test(export));
        if let Some(export) = find(&|export| contract.supports(export)) {
            roles.push((role, export.clone()));
        } else if let Some(export) = find(&|export| contract.is_in_other_version(export)) {
            other_versions.push(OtherVersion::new(role, export, contract));
        }
    }
    match (roles.is_empty(), other_versions.is_empty()) {
        (false, _) => Ok((roles, other_versions)),
        (true, false) => Err(ComponentError::OtherVersion(other_versions)),
        (true, true) => Err(ComponentError::NoRole(no_role(exports))),
    }
}

/// The export of an interface that a service need not have.
fn optional(contract: Contract, exports: &[String]) -> Result<Option<String>, ComponentError> {
    if let Some(export) = exports.iter().find(|export| contract.supports(export)) {
        return Ok(Some(export.clone()));
    }
    match exports.iter().find(|export| contract.names(export)) {
        Some(export) => Err(ComponentError::OtherVersion(vec![OtherVersion::new(
            Role::Service,
            export,
            contract,
        )])),
        None => Ok(None),
    }
}

fn no_role(exports: &[String]) -> String {
    let contracts = Role::ALL.map(|role| role.contract().0).join(", ");
    let wanted = format!("a plugin exports at least one of {contracts}");
    if exports.is_empty() {
        return format!("it exports nothing; {wanted}");
    }
    let hint = exports
        .iter()
        .find_map(|export| Some((export, probable_contract(export)?)))
        .map(|(export, meant)| format!("; did {} mean to be {}?", quote(export), meant.0))
        .unwrap_or_default();
    format!(
        "{wanted}, and this component exports {}{hint}",
        enumerate(exports)
    )
}

/// The contract that an export is probably meant to be: up to three letters differ, or it is another interface of the
/// same package.
fn probable_contract(export: &str) -> Option<Contract> {
    let name = export.split('@').next().unwrap_or_default();
    let distance = |contract: Contract| strsim::damerau_levenshtein(name, contract.interface());
    let package = |name: &str| name.split('/').next().map(str::to_owned);
    Role::ALL
        .map(Role::contract)
        .into_iter()
        .filter(|contract| {
            distance(*contract) <= 3 || package(name) == package(contract.interface())
        })
        .min_by_key(|contract| distance(*contract))
}

/// Checks that a component in these roles may import its imports.
fn check_imports(
    bytes: &[u8],
    imports: &[String],
    roles: &[(Role, String)],
) -> Result<(), ComponentError> {
    let roles: Vec<Role> = roles.iter().map(|(role, _)| *role).collect();
    let is_privileged = roles.iter().any(|role| role.is_privileged());
    let mut refused: Vec<String> = imports
        .iter()
        .filter(|import| !imports::allows(import, &roles))
        .cloned()
        .collect();
    if !refused.is_empty() {
        without_types_only(bytes, &mut refused);
    }
    if refused.is_empty() {
        return Ok(());
    }
    let reason = if is_privileged {
        "services and sources may not import: they have queues, objects and HTTP"
    } else {
        "trigger plugins may not import: they have their arguments and nothing else"
    };
    Err(ComponentError::ForbiddenImport(format!(
        "it imports {}, which {reason}; {}",
        enumerate(&refused),
        way_out(&refused),
    )))
}

/// What to do about imports that are refused.
fn way_out(refused: &[String]) -> &'static str {
    let any = |test: fn(&str) -> bool| refused.iter().any(|import| test(import));
    if any(|import| import.starts_with("wasi:") && import.contains("@0.3.")) {
        return "build it for WASI 0.2 (Rust: --target wasm32-wasip2; componentize-py and jco: a world without WASI 0.3)";
    }
    if any(|import| import.starts_with("jco:")) {
        return "jco --bundle adds such imports to the world for modules of Node.js: bundle with esbuild instead, and write \
                the world again with `lambkin wit`";
    }
    if any(|import| import.starts_with("lambkin:")) {
        return "take the world from `lambkin wit`, with the roles that the plugin plays";
    }
    "remove what uses it from the source, and the import from the world that the plugin is built for"
}

/// Keeps those imports that have more than types. An import of types alone gives access to nothing, and compilers add
/// one for every interface whose types the exported functions use.
#[expect(clippy::indexing_slicing, reason = "the id comes from these types")]
fn without_types_only(bytes: &[u8], imports: &mut Vec<String>) {
    let mut validator = Validator::new_with_features(WasmFeatures::all());
    let mut types = None;
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { return };
        match validator.payload(&payload) {
            // The last one is that of the outermost component.
            Ok(ValidPayload::End(end)) => types = Some(end),
            Ok(_) => {}
            Err(_) => return, // the compiler will say what is wrong
        }
    }
    let Some(types) = types else { return };
    let types = types.as_ref();
    imports.retain(|import| {
        let item = types.component_item_for_import(import);
        let Some(ComponentEntityType::Instance(instance)) = item.map(|item| item.ty) else {
            return true;
        };
        types[instance].exports.values().any(|export| {
            !matches!(
                export.ty,
                ComponentEntityType::Type {
                    referenced: ComponentAnyTypeId::Defined(_),
                    ..
                }
            )
        })
    });
}

fn enumerate(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(MAX_NAMES)
        .map(|name| quote(name))
        .collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn all_roles_are_found_and_other_exports_are_ignored() {
        let exports = names(&[
            "wasi:cli/run@0.2.0",
            "wasi:http/incoming-handler@0.2.3",
            "init",
            "lambkin:http-trigger/http-shaper@0.3.0",
            "lambkin:batch-trigger/batch-shaper@0.2.1",
        ]);
        let (roles, other_versions) = roles(&exports).unwrap();
        let expected = [
            (
                Role::BatchTrigger,
                "lambkin:batch-trigger/batch-shaper@0.2.1".into(),
            ),
            (Role::Service, "wasi:http/incoming-handler@0.2.3".into()),
        ];
        assert_eq!(roles, expected);
        let expected = OtherVersion::new(
            Role::HttpTrigger,
            "lambkin:http-trigger/http-shaper@0.3.0",
            Role::HttpTrigger.contract(),
        );
        assert_eq!(other_versions, [expected]);
    }

    #[test]
    fn a_misspelled_name_is_recognized() {
        for (export, meant) in [
            (
                "lambkin:http-triger/http-shaper@0.2.0",
                "lambkin:http-trigger/http-shaper@0.2.x",
            ),
            (
                "lambkin:batch-trigger/shaper@0.1.0",
                "lambkin:batch-trigger/batch-shaper@0.2.x",
            ),
            (
                "lambkin:source/pollers@0.2.0",
                "lambkin:source/poller@0.2.x",
            ),
            (
                "wasi:http/handler@0.3.0",
                "wasi:http/incoming-handler@0.2.x",
            ),
        ] {
            let message = no_role(&names(&["wasi:cli/run@0.2.0", export]));
            let hint = format!("did {export} mean to be {meant}?");
            assert!(message.contains(&hint), "{message}");
        }
        assert!(!no_role(&names(&["wasi:cli/run@0.2.0"])).contains("mean to be"));
    }

    #[test]
    fn an_interface_of_another_version_may_have_another_name() {
        for export in ["lambkin:source/fetcher@0.0.9", "lambkin:source/poller"] {
            let error = roles(&names(&["wasi:cli/run@0.2.0", export])).unwrap_err();
            let message = error.to_string();
            assert!(
                matches!(error, ComponentError::OtherVersion(_))
                    && message.starts_with(&format!("it exports {export}, and "))
                    && message.contains("supports lambkin:source/poller@")
                    && message.contains("`lambkin wit source`"),
                "{message}"
            );
        }
    }

    #[test]
    fn a_long_list_of_names_is_shortened() {
        let names: Vec<String> = (0..20).map(|n| format!("n{n}")).collect();
        assert!(enumerate(&names).ends_with("n11 and 8 more"));
    }

    /// Inspects a component with these imports, which have a function each, and these exports, which are empty.
    fn inspect_empty(imports: &[&str], exports: &[&str]) -> Result<Inspection, ComponentError> {
        let imports = imports.iter();
        let imports =
            imports.map(|name| format!(r#"(import "{name}" (instance (export "f" (func))))"#));
        let exports = exports.iter();
        let exports = exports.map(|name| format!(r#"(export "{name}" (instance $i))"#));
        let text = format!(
            "(component {} (component $c) (instance $i (instantiate $c)) {})",
            imports.collect::<String>(),
            exports.collect::<String>()
        );
        inspect(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn the_roles_determine_what_may_be_imported() {
        let shaper = "lambkin:batch-trigger/batch-shaper@0.2.0";
        let imports = [
            "lambkin:store/queues@0.1.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:sockets/tcp@0.2.0",
            "wasi:cli/stdout@0.2.0",
        ];
        for role in [
            "wasi:http/incoming-handler@0.2.0",
            "lambkin:source/poller@0.2.0",
        ] {
            assert!(inspect_empty(&imports, &[shaper, role]).is_ok(), "{role}");
        }
        let message = inspect_empty(&imports, &[shaper]).unwrap_err().to_string();
        assert!(
            message.contains("it imports lambkin:store/queues@0.1.0, which trigger plugins"),
            "{message}"
        );
    }

    /// Inspects a batch trigger that imports an instance with these exports.
    fn inspect_import(name: &str, exports: &str) -> Result<Inspection, ComponentError> {
        let text = format!(
            r#"(component (import "{name}" (instance {exports}))
                (component $c) (instance $i (instantiate $c))
                (export "lambkin:batch-trigger/batch-shaper@0.2.0" (instance $i)))"#
        );
        inspect(&wat::parse_str(text).unwrap())
    }

    #[test]
    fn an_import_of_types_alone_is_allowed_whatever_its_name() {
        let record = r#"(type $t (record (field "a" string))) (export "t" (type (eq $t)))"#;
        for name in ["lambkin:common/types@0.2.0", "acme:orders/types@3.1.4"] {
            let found = inspect_import(name, record);
            assert!(found.is_ok(), "{name}: {found:?}");
        }
        for more in [
            r#"(export "f" (func))"#,
            r#"(export "r" (type (sub resource)))"#,
        ] {
            let exports = format!("{record} {more}");
            let refused = inspect_import("acme:orders/types@3.1.4", &exports);
            assert!(
                matches!(refused, Err(ComponentError::ForbiddenImport(_))),
                "{more}: {refused:?}"
            );
        }
    }

    #[test]
    fn a_component_that_uses_concurrent_tasks_is_recognized() {
        let tasks = |core: &str| {
            let text = format!(
                r#"(component {core} (component $c) (instance $i (instantiate $c))
                    (export "lambkin:batch-trigger/batch-shaper@0.2.0" (instance $i)))"#
            );
            inspect(&wat::parse_str(text).unwrap()).unwrap().tasks
        };
        assert_eq!(tasks(""), Tasks::One);
        assert_eq!(tasks("(core func (canon task.cancel))"), Tasks::Many);
        assert_eq!(
            tasks("(component (core func (canon task.cancel)))"),
            Tasks::Many
        );
    }

    #[test]
    fn a_service_that_judges_foreign_pages_says_so() {
        let service = "wasi:http/incoming-handler@0.2.0";
        let judges = |exports: &[&str]| inspect_empty(&[], exports).unwrap().judges_foreign_pages;
        assert!(judges(&[service, "lambkin:service/foreign-pages@0.1.3"]));
        assert!(!judges(&[service, "lambkin:service/settings@0.1.0"]));
        let refused = inspect_empty(&[], &[service, "lambkin:service/foreign-pages@0.2.0"]);
        assert!(matches!(refused, Err(ComponentError::OtherVersion(_))));
    }

    #[test]
    fn settings_in_another_version_are_refused() {
        let service = "wasi:http/incoming-handler@0.2.0";
        let settings = "lambkin:service/settings@0.1.0";
        let found = inspect_empty(&[], &[service, settings]).unwrap();
        assert_eq!(found.settings.as_deref(), Some(settings));
        assert_eq!(inspect_empty(&[], &[service]).unwrap().settings, None);
        let refused = inspect_empty(&[], &[service, "lambkin:service/settings@0.2.0"]);
        assert!(matches!(refused, Err(ComponentError::OtherVersion(_))));
        // This interface alone is not a role.
        let refused = inspect_empty(&[], &[settings]);
        assert!(matches!(refused, Err(ComponentError::NoRole(_))));
    }
}
