//! Owns what can be chosen about the service before it starts: its directory, its habits, its limits.
//!
//! Real SCIM services differ in all of these; the defaults are a friendly everyday service.

use super::faults::Fault;
use super::ids;
use super::limit::Limit;
use super::user::User;

/// Everything that can be chosen about the service.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is one independent habit that real services have or lack"
)]
pub struct Options {
    /// TCP port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// Who exists.
    pub directory: Directory,
    /// Users that exist from the start besides the directory's own.
    pub seed: Vec<User>,
    /// Whether `userName` is compared byte for byte, against RFC 7643, section 4.1.1.
    pub case_exact: bool,
    /// Whether a filtered look-up hides inactive users, as the unfiltered list always does.
    pub hide_inactive: bool,
    /// Users on a page when the client names no `count`.
    pub default_page: usize,
    /// Most users on a page, whatever `count` asks for.
    pub max_page: usize,
    /// A `count` above this is answered 429, as large pages are at the vendor's.
    pub busy_page_over: Option<usize>,
    /// OAuth client id.
    pub client_id: String,
    /// OAuth client secret.
    pub client_secret: String,
    /// Life of an access token in seconds.
    pub token_life_s: u64,
    /// Whether a token is handed out again as long as it lives, instead of a new one.
    pub same_token: bool,
    /// The rate limit.
    pub limit: Option<Limit>,
    /// The script of faults, tried in order.
    pub faults: Vec<Fault>,
    /// Whether resources carry a version and `If-Match` is judged (RFC 7644, section 3.14).
    pub etag: bool,
    /// The answer to an `If-Match` that does not match.
    pub stale_match: StaleMatch,
    /// What a successful PATCH is answered with.
    pub patch_reply: PatchReply,
    /// Seconds that must lie between two changes of a password.
    pub min_password_age_s: u64,
    /// What the organisation says it asks of passwords, as the platform API shows it; nothing: it is not
    /// permitted to ask.
    pub password_requirements: Option<serde_json::Value>,
    /// Whether a password used before, the present one included, is refused.
    pub history: bool,
    /// Whether setting the password of an inactive user makes the user active, as the vendor documents.
    pub reactivates: bool,
    /// What the service makes of the MFA attribute.
    pub knows_mfa: Mfa,
    /// Full path of the MFA attribute, with its schema URN when it belongs to an extension.
    pub mfa_path: String,
    /// Whether operations on unknown paths are dropped silently instead of refused.
    pub ignore_unknown_paths: bool,
    /// Full paths of attributes known besides the built-in ones.
    pub extra_attributes: Vec<String>,
    /// The form of error bodies; a 429 always has the platform's.
    pub error_shape: ErrorShape,
    /// How many requests are kept one by one; counts go on for ever.
    pub keep_requests: usize,
    /// How many changes are kept one by one; their number is counted for ever.
    pub keep_changes: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 0,
            directory: Directory::OnDemand,
            seed: Vec::new(),
            case_exact: false,
            hide_inactive: false,
            default_page: 25,
            max_page: 100,
            busy_page_over: None,
            client_id: ids::random(),
            client_secret: ids::secret(),
            token_life_s: 86_400,
            same_token: false,
            limit: None,
            faults: Vec::new(),
            etag: true,
            stale_match: StaleMatch::PreconditionFailed,
            patch_reply: PatchReply::Body,
            min_password_age_s: 0,
            password_requirements: Some(serde_json::json!({
                "minimumLength": 8,
                "minimumDigits": 1,
                "minimumLetters": 1,
                "minimumUpper": 1,
                "minimumLower": 1,
                "minimumSpecials": 1,
                "minimumAgeSeconds": 0,
                "expirationDays": 0,
            })),
            history: false,
            reactivates: true,
            knows_mfa: Mfa::Stores,
            mfa_path: "mfaSettings".into(),
            ignore_unknown_paths: false,
            extra_attributes: Vec::new(),
            error_shape: ErrorShape::Scim,
            keep_requests: 1_000_000,
            keep_changes: 1_000_000,
        }
    }
}

/// Who exists.
#[derive(Clone, Debug)]
pub enum Directory {
    /// Exactly these users.
    Listed(Vec<User>),
    /// Every well-formed address that is asked for, except by the naming convention of
    /// [`crate::sandbox::naming`].
    OnDemand,
}

/// What a successful PATCH is answered with (RFC 7644, section 3.5.2 allows both).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchReply {
    /// 200 with the changed resource.
    Body,
    /// 204 without a body.
    NoContent,
}

/// What the service makes of the MFA attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mfa {
    /// Keeps it and shows it in its replies.
    Stores,
    /// Says yes and drops it.
    Ignores,
    /// 400 `invalidPath`.
    Refuses,
}

/// The form of error bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorShape {
    /// RFC 7644, section 3.12: `schemas`, `status` as a string, `scimType`, `detail`.
    Scim,
    /// The platform's own: `message`, `code`, `status` as a number, `contextId`, `details`, `errors`.
    Platform,
}

/// The answer to an `If-Match` that does not match.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StaleMatch {
    /// 412, as RFC 9110, section 13.1.1 has it.
    PreconditionFailed,
    /// 400 with `scimType` `invalidVers`.
    InvalidVers,
    /// 409.
    Conflict,
}
