// SCIMMY behind express, with bearer tokens of the authority; GET /_data shows every account, passwords
// included, GET /_answers how often it answered what.

import { createPublicKey, verify } from "node:crypto";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const [folder, packages, port, habit] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const express = require("express");
const SCIMMY = require("scimmy").default ?? require("scimmy");
const Routers = require("scimmy-routers").default ?? require("scimmy-routers");

const read = (name) => JSON.parse(readFileSync(`${folder}/${name}`));
const key = createPublicKey({ key: read("key.json"), format: "jwk" });
const accounts = new Map(read("accounts.json").map((account, index) => {
    const id = `scimmy-${index + 1}`;
    return [id, { id, ...account }];
}));

function authorised(request) {
    const token = (request.header("Authorization") ?? "").replace(/^Bearer /, "");
    const [head, claims, signature] = token.split(".");
    const signed = Buffer.from(`${head}.${claims}`);
    const how = { key, dsaEncoding: "ieee-p1363" };
    if (!signature || !verify("sha256", signed, how, Buffer.from(signature, "base64url"))) {
        throw new Error("no good token");
    }
    if (JSON.parse(Buffer.from(claims, "base64url")).exp <= Date.now() / 1000) throw new Error("the token is over");
}

function versioned(account) {
    return habit === "versions" ? { ...account, meta: { version: 'W/"1"' } } : account;
}

function shown(resource) {
    const one = accounts.get(resource.id);
    if (resource.id && !one) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
    if (resource.id) return versioned(one);
    const all = [...accounts.values()].map(versioned);
    return resource.filter ? resource.filter.match(all) : all;
}

// As JSON it would lack its password.
function plain(value) {
    if (Array.isArray(value)) return value.map(plain);
    if (value === null || typeof value !== "object") return value;
    const members = Object.entries(value).filter(([, member]) => member !== undefined);
    return Object.fromEntries(members.map(([name, member]) => [name, plain(member)]));
}

function stored(resource, instance) {
    const changed = { ...accounts.get(resource.id), ...plain(instance), id: resource.id };
    delete changed.schemas;
    delete changed.meta;
    accounts.set(resource.id, changed);
    return changed;
}

function mfaSettings() {
    const { name, type, subAttributes } = read("mfa.json");
    const part = ({ name, type }) => new SCIMMY.Types.Attribute(type, name);
    return new SCIMMY.Types.Attribute(type, name, {}, subAttributes.map(part));
}

const users = SCIMMY.Resources.declare(SCIMMY.Resources.User).ingress(stored).egress(shown);
if (habit === "mfa") SCIMMY.Schemas.User.definition.extend(mfaSettings());
if (habit === "mfa extension") {
    const urn = "urn:ietf:params:scim:schemas:extension:example:2.0:User";
    users.extend(new SCIMMY.Types.SchemaDefinition("Mfa", urn, "A second factor", [mfaSettings()]));
}
// It shows versions, and keeps to none.
if (habit === "versions") SCIMMY.Config.set({ etag: true });

const app = express();
const answers = {};
app.use("/scim", (request, response, next) => {
    response.on("finish", () => {
        const answer = `${request.method} ${response.statusCode}`;
        answers[answer] = (answers[answer] ?? 0) + 1;
    });
    next();
});
// Somebody else gives these another name just before they are changed.
app.patch("/scim/v2/Users/:id", (request, _, next) => {
    const account = accounts.get(request.params.id);
    if (account?.userName.startsWith("renamed")) {
        accounts.set(account.id, { ...account, userName: `was-${account.userName}` });
    }
    next();
});
app.get("/_answers", (_, response) => response.json(answers));
app.get("/_data", (_, response) => response.json([...accounts.values()]));
app.use("/scim/v2", new Routers({ type: "bearer", handler: authorised }));
app.listen(Number(port), "127.0.0.1");
