//! A template as a tree.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// A part of a template.
#[derive(Debug)]
pub enum Node {
    /// Text that is written as it is.
    Text(String),
    /// A value that is written.
    Reference {
        reference: Reference,
        /// As in the template, which is written if the variable is not defined. Empty for `$!`.
        source: String,
    },
    /// `#set`.
    Set {
        target: Reference,
        value: Expression,
    },
    /// `#if`.
    If {
        branches: Vec<(Expression, Vec<Node>)>,
        otherwise: Vec<Node>,
    },
    /// `#foreach`.
    Foreach {
        variable: String,
        list: Expression,
        body: Vec<Node>,
    },
    /// `#break`.
    Break,
    /// `#stop`.
    Stop,
}

/// A variable and the way from it to a value.
#[derive(Debug)]
pub struct Reference {
    pub line: usize,
    pub name: String,
    pub path: Vec<Access>,
}

/// One step of the way.
#[derive(Debug)]
pub enum Access {
    Member(String),
    Call(String, Vec<Expression>),
    Index(Expression),
}

/// What has a value.
#[derive(Debug)]
pub enum Expression {
    Null,
    Boolean(bool),
    Integer(i64),
    Float(f64),
    /// A text in single quotes.
    Text(String),
    /// A text in double quotes.
    Interpolated(Vec<Node>),
    Reference(Reference),
    List(Vec<Expression>),
    Range(Box<(Expression, Expression)>),
    Map(Vec<(Expression, Expression)>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Binary(Operator, Box<(Expression, Expression)>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    Or,
    And,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}
