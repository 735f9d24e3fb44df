//! Owns what the service tells about itself (RFC 7644, section 4), and whose service it is.

use serde_json::{Value, json};

use super::ids;
use super::reply::{JSON, Reply};
use super::schema::{ENTERPRISE, GENESYS, USER_SCHEMA};
use super::world::World;

impl World {
    pub(super) fn provider_config(&self) -> Reply {
        Reply::scim(json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
            "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0},
            "filter": {"supported": true, "maxResults": self.options.max_page},
            "changePassword": {"supported": true},
            "sort": {"supported": false},
            "etag": {"supported": self.options.etag},
            "authenticationSchemes": [{
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "RFC 6750",
            }],
            "meta": {
                "resourceType": "ServiceProviderConfig",
                "location": format!("{}/ServiceProviderConfig", self.scim_base),
            },
        }))
    }

    pub(super) fn user_type(&self) -> Value {
        let extension = |urn: &str| json!({"schema": urn, "required": false});
        json!({
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": "User",
            "name": "User",
            "endpoint": "/Users",
            "schema": USER_SCHEMA,
            "schemaExtensions": [extension(ENTERPRISE), extension(GENESYS)],
            "meta": {
                "resourceType": "ResourceType",
                "location": format!("{}/ResourceTypes/User", self.scim_base),
            },
        })
    }

    pub(super) fn tokens_me(&self) -> Reply {
        let organization = json!({"id": ids::derived("organization"), "name": "Sandbox"});
        let body = json!({
            "organization": organization,
            "homeOrganization": organization,
            "authorizedScope": [],
            "OAuthClient": {"id": self.options.client_id, "organization": organization},
        });
        Reply::json(200, JSON, body)
    }
}

pub(super) fn list(resources: &[Value]) -> Reply {
    Reply::scim(json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": resources.len(),
        "startIndex": 1,
        "itemsPerPage": resources.len(),
        "Resources": resources,
    }))
}
