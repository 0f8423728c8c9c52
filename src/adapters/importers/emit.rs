//! How an importer hands over what it reads: counts findings against the limit and puts
//! things into the order that [`Observation`] promises.

use super::input::Allowance;
use super::{Report, Sink};
use crate::base::{Result, limits};
use crate::domain::component::Component;
use crate::domain::observation::{
    AssetObservation, FindingObservation, Observation, ReportInfo, ServiceObservation, Skip,
    SkipReason, VulnerabilityObservation,
};
use crate::domain::vex::{Statement, Subject};

/// Takes what one import of one report says.
pub struct Emitter<'s> {
    sink: &'s mut Sink<'s>,
    allowance: Allowance,
}

impl<'s> Emitter<'s> {
    /// For one reading of `report`; begins with `info`.
    pub fn begin(report: &Report, sink: &'s mut Sink<'_>, info: ReportInfo) -> Result<Self> {
        sink(Observation::Report(info))?;
        Ok(Self { sink, allowance: report.allowance() })
    }

    /// What follows is about this asset.
    pub fn asset(&mut self, asset: AssetObservation) -> Result<()> {
        (self.sink)(Observation::Asset(Box::new(asset)))
    }

    /// A finding on the asset.
    pub fn finding(&mut self, finding: FindingObservation) -> Result<()> {
        self.allowance.take()?;
        (self.sink)(Observation::Finding(Box::new(finding)))
    }

    /// A component of the asset. Counts against the same limit as findings.
    pub fn component(&mut self, component: Component) -> Result<()> {
        self.allowance.take()?;
        (self.sink)(Observation::Component(Box::new(component)))
    }

    /// An open port of the asset. Counts against the same limit as findings.
    pub fn service(&mut self, service: ServiceObservation) -> Result<()> {
        self.allowance.take()?;
        (self.sink)(Observation::Service(Box::new(service)))
    }

    /// Knowledge of a vulnerability. Counts against the same limit as findings.
    pub fn advisory(&mut self, advisory: VulnerabilityObservation) -> Result<()> {
        self.allowance.take()?;
        (self.sink)(Observation::Advisory(Box::new(advisory)))
    }

    /// A VEX statement. Counts against the same limit as findings. One about very many
    /// products is handed over in parts.
    pub fn statement(&mut self, mut statement: Statement) -> Result<()> {
        let subjects = std::mem::take(&mut statement.subjects);
        let mut part = Vec::new();
        let mut names = 0;
        for mut subject in subjects {
            while subject.components.len() > limits::STATEMENT_PRODUCTS {
                let rest = subject.components.split_off(limits::STATEMENT_PRODUCTS);
                let whole = Subject { product: subject.product.clone(), ..subject };
                self.one(Statement { subjects: vec![whole], ..statement.clone() })?;
                subject = Subject { components: rest, product: subject.product };
            }
            if names + subject.components.len() + 1 > limits::STATEMENT_PRODUCTS + 1 {
                let full = std::mem::take(&mut part);
                self.one(Statement { subjects: full, ..statement.clone() })?;
                names = 0;
            }
            names += subject.components.len() + 1;
            part.push(subject);
        }
        self.one(Statement { subjects: part, ..statement })
    }

    fn one(&mut self, statement: Statement) -> Result<()> {
        self.allowance.take()?;
        (self.sink)(Observation::Statement(Box::new(statement)))
    }

    /// Something that is not imported; `place` says where it stands.
    pub fn skip(&mut self, reason: SkipReason, place: impl ToString) -> Result<()> {
        (self.sink)(Observation::Skipped(Skip { reason, place: place.to_string() }))
    }
}
