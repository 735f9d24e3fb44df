-- The same requests as fast as anything can send them: look-up, PATCH, look-up, PATCH. They are made once, before
-- the first is sent, so that Lua costs next to nothing. Nothing is read, decided, checked or written down.

local requests, at = {}, 0
local USERS = 1000

local function lookup(row)
  local filter = string.format("userName%%20eq%%20%%22u%012d%%40example.com%%22", row)
  local path = "/scim/v2/Users?filter=" .. filter .. "&startIndex=1&count=25&attributes=id,userName,active,meta"
  return wrk.format("GET", path, {
    ["Accept"] = "application/scim+json",
    ["Authorization"] = "Bearer benchmark-0123456789abcdef0123456789abcdef",
    ["User-Agent"] = "scim-rekey/0.1.0",
  })
end

local function patch(row)
  local path = string.format("/scim/v2/Users/5c1f0e2a-77d4-4b2e-9a01-%012d", row)
  local body = '{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":['
    .. '{"op":"replace","path":"password","value":"' .. string.format("Aa1!%012d", row) .. '"},'
    .. '{"op":"replace","path":"mfaSettings","value":{"enabled":true,"mfaType":"phone","phoneNumber":"+15550100'
    .. string.format("%03d", 100 + row % 100) .. '"}}]}'
  return wrk.format("PATCH", path, {
    ["Accept"] = "application/scim+json",
    ["Authorization"] = "Bearer benchmark-0123456789abcdef0123456789abcdef",
    ["User-Agent"] = "scim-rekey/0.1.0",
    ["Content-Type"] = "application/scim+json",
  }, body)
end

function init()
  for row = 1, USERS do
    requests[#requests + 1] = lookup(row)
    requests[#requests + 1] = patch(row)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary)
  local errors = summary.errors
  io.write(string.format("requests=%d us=%d errors=%d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
