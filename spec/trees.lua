-- SPDX-License-Identifier: MIT
--
-- Small trees of specs, run by `lagoon test` in a folder of their own.
local helper = require "helper"

local trees = {}

local program

---The program's path, from any folder.
function trees.program()
  if not program then
    local pipe = assert(io.popen("readlink -f " .. helper.program))
    program = pipe:read("*l")
    pipe:close()
  end
  return program
end

local ntrees = 0

---Writes files and returns their folder.
---@param files table<string, string>  texts by paths; one text alone is spec/a_spec.lua
---@return string
function trees.new(files)
  if type(files) == "string" then
    files = { ["spec/a_spec.lua"] = files }
  end
  ntrees = ntrees + 1
  local root = helper.path("tree" .. ntrees)
  os.execute("rm -rf '" .. root .. "'") -- of another spec file
  for name, text in pairs(files) do
    local path = root .. "/" .. name
    os.execute("mkdir -p '" .. path:match("^(.*)/") .. "'")
    local file = assert(io.open(path, "wb"))
    file:write(text)
    file:close()
  end
  return root
end

---Runs `lagoon test` there.
---@param files table<string, string>|string
---@param words? string[]  before: words in front of "test"
---@param opts? table  as helper.child's
---@return helper.Child child
---@return string root
function trees.test(files, words, opts)
  local root = trees.new(files)
  opts = opts or {}
  opts.cwd = root
  local line = { trees.program() }
  for _, list in ipairs { words and words.before or {}, { "test" }, words or {} } do
    for _, word in ipairs(list) do
      line[#line + 1] = word
    end
  end
  return helper.child(line, opts), root
end

---A file's text.
---@param path string
---@return string
function trees.read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read("*a")
  file:close()
  return text
end

---Whether there is such a program.
---@param name string
---@return boolean
function trees.has(name)
  return os.execute("command -v " .. name .. " >/dev/null") == 0
end

return trees
