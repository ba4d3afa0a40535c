-- SPDX-License-Identifier: MIT
--
-- The manuals are where they should be, and tell the truth about names.
local tree = dofile "spec/arch/tree.lua"

local HEADER = "core/include/lagoon.h"

-- The functions of lagoon.h: the declaration as one line, and the comment above.
local function functions()
  local found, comment, declaration = {}, {}, nil
  for line in (tree.read(HEADER) .. "\n"):gmatch("(.-)\n") do
    if declaration or line:match("^LG_API ") then
      declaration = (declaration and declaration .. " " or "") .. line:gsub("^%s+", "")
      if line:find(";%s*$") then
        found[#found + 1] = { declaration = declaration, comment = comment,
          name = declaration:match("(lg_[%w_]+)%s*%(") }
        declaration, comment = nil, {}
      end
    elseif line:match("^//") then
      comment[#comment + 1] = line:gsub("^// ?", "")
    else
      comment = {}
    end
  end
  return found
end

describe("a function in lagoon.h", function()
  local all = functions()

  it("is one of many", function()
    assert.is_true(#all > 60, #all)
  end)

  it("has all labels, in order, none empty", function()
    local labels = { "Returns:", "Errors:", "Misuse:", "Blocks:", "Call from:", "Go:" }
    for _, f in ipairs(all) do
      local text, at = table.concat(f.comment, "\n") .. "\n", 1
      for _, label in ipairs(labels) do
        local first, last = text:find("%f[%w]" .. label .. "%s*[^%s]", at)
        assert(first, f.name .. " lacks " .. label .. " after the one before")
        assert(not text:match("^%s*%u[%w ]*:%s", last), f.name .. ": " .. label .. " is empty")
        at = last
      end
    end
  end)

  it("names each of its parameters in the manual", function()
    for _, f in ipairs(all) do
      local text = "\n" .. table.concat(f.comment, "\n")
      local list = f.declaration:match("%((.*)%);")
      list = list:gsub("%(%*([%w_]+)%)%b()", " %1") -- a pointer to a function
      for parameter in (list .. ","):gmatch("([^,]*),") do
        local name = parameter:match("([%w_]+)%s*$")
        if name and name ~= "void" then
          assert(text:find("\n" .. name .. "%s") or text:find("[\n ]" .. name .. ",? "),
            f.name .. " does not tell of " .. name)
        end
      end
    end
  end)

  it("says no more than the header: bodies have no second copy of the manual", function()
    for _, path in ipairs(tree.lines_of("find core -name '*.c'")) do
      assert(not tree.read(path):find("// Returns:%s"), path)
    end
  end)
end)

describe("a public function of the Lua modules", function()
  -- Those of the C halves are listed as fields of a class or as a type.
  local function annotations_before(lines, i)
    local text = {}
    while i > 1 and lines[i - 1]:match("^%s*%-%-%-") do
      i = i - 1
      table.insert(text, 1, lines[i])
    end
    return table.concat(text, "\n")
  end

  local function each_public(visit)
    for _, path in ipairs(tree.sources("scripts/lagoon")) do
      local lines = {}
      for line in (tree.read(path) .. "\n"):gmatch("(.-)\n") do
        lines[#lines + 1] = line
      end
      local module = tree.read(path):match("\nreturn ([%w_]+)%s*$")
      local is_public = { [module or ""] = true }
      for _, line in ipairs(lines) do
        local class = line:match("^local (%u[%w_]*) = {}$")
        if class then
          is_public[class] = true
        end
      end
      for i, line in ipairs(lines) do
        local owner, name, parameters = line:match("^function ([%w_]+)[.:]([%w_]+)%((.*)%)$")
        if owner and is_public[owner] and not path:find("/fast.lua$") then
          local place = path .. ":" .. i .. ": " .. name
          visit(place, annotations_before(lines, i), parameters, lines[i])
        end
      end
    end
  end

  it("has LuaCATS annotations: what it does, and every parameter", function()
    local n = 0
    each_public(function(place, text, parameters, line)
      n = n + 1
      assert(text:find("^%s*%-%-%-%s*[%w`]"), place .. " does not say what it does: " .. line)
      for parameter in parameters:gmatch("[%w_.]+") do
        local pattern = "@param " .. parameter:gsub("%.", "%%.") .. "%??%s"
        assert(text:find(pattern) or text:find("@type"), place .. " does not tell of " .. parameter)
      end
    end)
    assert.is_true(n >= 15, n)
  end)
end)

describe("the documents", function()
  local function each_document(visit)
    for _, path in ipairs(tree.lines_of("find README.md docs -name '*.md'")) do
      visit(path, tree.read(path))
    end
  end

  it("link to what exists", function()
    each_document(function(path, text)
      local folder = path:match("^(.*/)") or ""
      for target in text:gmatch("%]%(([^)#]+)#?[^)]*%)") do
        if not target:find("^%a+:") then
          local file = io.open(folder .. target)
          assert(file, path .. ": there is no " .. target)
          file:close()
        end
      end
    end)
  end)

  it("name functions of the core and of the bindings that exist", function()
    local sources = {}
    for _, path in ipairs(tree.lines_of("find core bindings -name '*.[chS]'")) do
      sources[#sources + 1] = tree.read(path)
    end
    local all = table.concat(sources, "\n")
    each_document(function(path, text)
      for name in text:gmatch("%f[%w_](lg__?[%l][%w_]+)") do
        -- "lg_chan_" and the like stand for a family.
        assert(all:find(name, 1, true), path .. " names " .. name .. ", which is not there")
      end
      for name in text:gmatch("%f[%w_](LG_[%u][%u_]+)") do
        assert(all:find(name, 1, true) or name == "LG_CHECK", path .. " names " .. name)
      end
    end)
  end)

  it("name files of this repository that exist", function()
    each_document(function(path, text)
      for name in text:gmatch("`([%w_]+/[%w_/]+%.%l+)[^`]*`") do
        local folder = name:match("^[%w_]+")
        local is_ours = ({ core = 1, bindings = 1, scripts = 1, spec = 1, bench = 1, docs = 1,
          examples = 1, tools = 1 })[folder]
        local file = is_ours and io.open(name)
        assert(file or not is_ours, path .. ": there is no " .. name)
        if file then
          file:close()
        end
      end
    end)
  end)
end)
