-- SPDX-License-Identifier: MIT
--
-- A strict reader of pprof's profile.proto: every field must be known, of its wire type, and every
-- id must lead somewhere. Numbers are doubles, which is enough for what specs look at.
local pprof = {}

local VARINT, BYTES = 0, 2

local function varint(text, at)
  local number, scale = 0, 1
  for i = at, at + 9 do
    local byte = assert(text:byte(i), "a varint is cut off")
    number = number + byte % 128 * scale
    scale = scale * 128
    if byte < 128 then return number, i + 1 end
  end
  error "a varint is too long"
end

-- Calls each(field, value) for the fields of a message, which `known` maps to their wire types.
local function each_field(text, known, each)
  local at = 1
  while at <= #text do
    local key, value
    key, at = varint(text, at)
    local field, wire = math.floor(key / 8), key % 8
    assert(known[field] == wire, ("field %d of wire type %d"):format(field, wire))
    value, at = varint(text, at)
    if wire == BYTES then
      assert(at + value - 1 <= #text, "bytes are cut off")
      value, at = text:sub(at, at + value - 1), at + value
    end
    each(field, value)
  end
end

-- The fields of a message by the names in `names`, which are {field, wire type}; lists where the
-- name ends with "*".
local function message(text, names)
  local known, called, out = {}, {}, {}
  for name, what in pairs(names) do
    known[what[1]], called[what[1]] = what[2], name
    if name:sub(-1) == "*" then out[name:sub(1, -2)] = {} end
  end
  each_field(text, known, function(field, value)
    local name = called[field]
    if name:sub(-1) == "*" then
      table.insert(out[name:sub(1, -2)], value)
    else
      assert(out[name] == nil, name .. " twice")
      out[name] = value
    end
  end)
  return out
end

local function packed(text)
  local list, at = {}, 1
  while at <= #text do
    list[#list + 1], at = varint(text, at)
  end
  return list
end

local PROFILE = {
  ["sample_type*"] = { 1, BYTES }, ["sample*"] = { 2, BYTES }, ["mapping*"] = { 3, BYTES },
  ["location*"] = { 4, BYTES }, ["func*"] = { 5, BYTES }, ["string*"] = { 6, BYTES },
  time = { 9, VARINT }, duration = { 10, VARINT }, period_type = { 11, BYTES },
  period = { 12, VARINT }, default = { 14, VARINT },
}
local TYPE = { type = { 1, VARINT }, unit = { 2, VARINT } }
local SAMPLE = { location = { 1, BYTES }, value = { 2, BYTES }, ["label*"] = { 3, BYTES } }
local LABEL = { key = { 1, VARINT }, str = { 2, VARINT }, num = { 3, VARINT } }
local LOCATION = { id = { 1, VARINT }, mapping = { 2, VARINT }, line = { 4, BYTES } }
local LINE = { func = { 1, VARINT }, line = { 2, VARINT } }
local FUNCTION = {
  id = { 1, VARINT }, name = { 2, VARINT }, system_name = { 3, VARINT }, file = { 4, VARINT },
  line = { 5, VARINT },
}

local function by_id(texts, names)
  local list = {}
  for _, text in ipairs(texts) do
    local one = message(text, names)
    assert(one.id and one.id > 0 and not list[one.id], "an id is missing or there twice")
    list[one.id] = one
  end
  return list
end

---Decodes a profile. `types` are {type, unit}; each of `samples` has `stack`, a list of {name,
---file, line, begins_at}, the innermost first, `values` by their types, and `labels`.
---@param text string  not compressed
---@return { types: table, samples: table, duration: number, default: string }
function pprof.decode(text)
  local raw = message(text, PROFILE)
  assert(raw.string[1] == "", "the first string is not empty")
  local function string_of(i)
    return (assert(raw.string[(i or 0) + 1], "there is no such string"))
  end
  local out = { types = {}, samples = {}, duration = raw.duration }
  out.default = string_of(raw.default)
  for i, one in ipairs(raw.sample_type) do
    local fields = message(one, TYPE)
    out.types[i] = { string_of(fields.type), string_of(fields.unit) }
  end
  local locations, functions = by_id(raw.location, LOCATION), by_id(raw.func, FUNCTION)
  assert(#raw.mapping == 1)
  local function place(id)
    local location = assert(locations[id], "there is no such location")
    assert(location.mapping == 1)
    local line = message(location.line, LINE)
    local f = assert(functions[line.func], "there is no such function")
    return {
      name = string_of(f.name), file = string_of(f.file), line = line.line, begins_at = f.line,
    }
  end
  for i, one in ipairs(raw.sample) do
    local fields = message(one, SAMPLE)
    local sample = { stack = {}, values = {}, labels = {} }
    for j, id in ipairs(packed(fields.location)) do sample.stack[j] = place(id) end
    assert(#sample.stack > 0, "a sample without a stack")
    local values = packed(fields.value)
    assert(#values == #out.types, "as many values as types")
    for j, value in ipairs(values) do sample.values[out.types[j][1]] = value end
    for _, label in ipairs(fields.label) do
      local said = message(label, LABEL)
      assert((said.str == nil) ~= (said.num == nil), "a label is a string or a number")
      sample.labels[string_of(said.key)] = said.num or string_of(said.str)
    end
    out.samples[i] = sample
  end
  return out
end

---Reads a file, which `gzip` takes apart.
---@param path string
function pprof.read(path)
  local pipe = assert(io.popen("gzip -dc " .. path, "r"))
  local text = pipe:read("*a")
  pipe:close()
  assert(#text > 0, path .. " is empty, or is not gzip's")
  return pprof.decode(text)
end

return pprof
