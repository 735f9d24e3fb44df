//! Owns a request as it came in: read once, sorted by what it wants.

use axum::body::{Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Uri};
use percent_encoding::percent_decode_str;

use super::ids;
use super::truth::Kind;

/// Longest request body that is read.
const MAX_BODY: usize = 1 << 20;

/// A request with its body.
pub(super) struct Call {
    /// When it was admitted, in milliseconds since the start.
    pub(super) at_ms: u64,
    pub(super) method: Method,
    pub(super) uri: Uri,
    headers: HeaderMap,
    /// Nothing when it was too long or broke off.
    pub(super) body: Option<Bytes>,
    pub(super) route: Route,
    pub(super) kind: Kind,
    /// Names this exchange in the reply's `ININ-Correlation-Id`.
    pub(super) correlation: String,
}

/// Where a request goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Route {
    Token,
    Users,
    User(String),
    ServiceProviderConfig,
    Schemas(Option<String>),
    ResourceTypes,
    /// The one resource type there is.
    UserType,
    TokensMe,
    /// `POST /api/v2/users/{id}/password`
    Password(String),
    /// `DELETE /api/v2/tokens/{id}`
    Sessions(String),
    AuthenticationSettings,
    /// `/_sandbox/…`, which is no part of the service.
    Control(String),
    Nowhere,
}

impl Call {
    pub(super) async fn read(request: Request) -> Self {
        let (parts, body) = request.into_parts();
        let body = if parts.method == Method::GET {
            Some(Bytes::new())
        } else {
            to_bytes(body, MAX_BODY).await.ok()
        };
        let route = Route::of(parts.uri.path());
        Self {
            at_ms: 0,
            kind: kind(&route, &parts.method),
            route,
            method: parts.method,
            uri: parts.uri,
            headers: parts.headers,
            body,
            correlation: ids::random(),
        }
    }

    /// The first value of a header, if it is text.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The media type of the body without its parameters, in lower case.
    pub(super) fn media_type(&self) -> Option<String> {
        let value = self.header("content-type")?;
        let media = value.split(';').next().unwrap_or("");
        Some(media.trim().to_ascii_lowercase())
    }

    pub(super) fn query(&self) -> &str {
        self.uri.query().unwrap_or("")
    }
}

impl Route {
    fn of(path: &str) -> Self {
        match path {
            "/oauth/token" => return Self::Token,
            "/api/v2/tokens/me" => return Self::TokensMe,
            "/api/v2/organizations/authentication/settings" => return Self::AuthenticationSettings,
            _ => {}
        }
        if let Some(route) = Self::of_platform(path) {
            return route;
        }
        if let Some(name) = path.strip_prefix("/_sandbox/") {
            return Self::Control(name.into());
        }
        let bases = ["/api/v2/scim/v2/", "/scim/v2/"];
        let rest = bases.iter().find_map(|base| path.strip_prefix(base));
        rest.map_or(Self::Nowhere, Self::below_base)
    }

    fn of_platform(path: &str) -> Option<Self> {
        if let Some(id) = path.strip_prefix("/api/v2/tokens/") {
            return decoded(id).map(Self::Sessions);
        }
        let id = path.strip_prefix("/api/v2/users/")?.strip_suffix("/password")?;
        decoded(id).map(Self::Password)
    }

    fn below_base(rest: &str) -> Self {
        match rest.split_once('/').map_or((rest, None), |(head, tail)| (head, Some(tail))) {
            // The vendor documents the path in lower case, identity providers append the other.
            ("Users" | "users", None) => Self::Users,
            ("Users" | "users", Some(id)) if !id.is_empty() => match decoded(id) {
                Some(id) => Self::User(id),
                None => Self::Nowhere,
            },
            ("ServiceProviderConfig", None) => Self::ServiceProviderConfig,
            ("Schemas", id) => Self::Schemas(id.and_then(decoded)),
            ("ResourceTypes", None) => Self::ResourceTypes,
            ("ResourceTypes", Some("User")) => Self::UserType,
            _ => Self::Nowhere,
        }
    }
}

/// One path segment; an id may hold an `@`, encoded or not.
fn decoded(segment: &str) -> Option<String> {
    if segment.contains('/') {
        return None;
    }
    let text = percent_decode_str(segment).decode_utf8().ok()?;
    Some(text.into_owned())
}

fn kind(route: &Route, method: &Method) -> Kind {
    match (route, method) {
        (Route::Token, _) => Kind::Token,
        (Route::Users | Route::User(_), &Method::GET) => Kind::Lookup,
        (Route::User(_), &Method::PATCH) | (Route::Password(_), _) => Kind::Patch,
        _ => Kind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_where_they_should() {
        assert_eq!(Route::of("/scim/v2/Users"), Route::Users);
        assert_eq!(Route::of("/api/v2/scim/v2/users/a%40b"), Route::User("a@b".into()));
        assert_eq!(Route::of("/scim/v2/Schemas"), Route::Schemas(None));
        assert_eq!(Route::of("/_sandbox/truth"), Route::Control("truth".into()));
        for path in ["/", "/scim/v2", "/scim/v2/Users/", "/scim/v2/Users/1/2", "/scim/v2/Groups"] {
            assert_eq!(Route::of(path), Route::Nowhere, "{path}");
        }
    }
}
