-- SPDX-License-Identifier: MIT
--
-- A browser: opens a page that the server serves, whose script talks over a WebSocket.
local lagoon = require "lagoon"
local helper = require "helper"
local http, process = lagoon.http, lagoon.process

local PAGE = [[
<!DOCTYPE html>
<script>
  const ws = new WebSocket("ws://" + location.host + "/live", ["other", "spec"]);
  ws.binaryType = "arraybuffer";
  ws.onopen = () => ws.send("open " + ws.protocol + " \u00e4\u{1f30a}");
  ws.onmessage = (event) => {
    if (typeof event.data === "string") {
      ws.send(event.data.length + " characters");
    } else {
      ws.send(new Uint8Array(event.data).reverse());
      ws.close(3000, "done");
    }
  };
</script>
]]

local function browser()
  for _, name in ipairs { "chromium", "chromium-browser", "google-chrome" } do
    if os.execute("command -v " .. name .. " >/dev/null") == 0 then
      return name
    end
  end
end

describe("a WebSocket with a browser", function()
  local program = browser()
  if not program then
    return
  end

  it("talks to the script of a page", function()
    local said, done = {}, lagoon.chan()
    local function talk(ws)
      said[1] = ws:recv()
      ws:send(("x"):rep(70000))
      said[2] = ws:recv()
      ws:send("\1\2\3", "binary")
      said[3], said[4] = ws:recv()
      said[5] = tostring(ws:recv())
      said[6], said[7] = ws.close_code, ws.close_reason
      done:close()
    end
    local server = assert(http.serve("127.0.0.1:0", function(req, res)
      if req.path == "/" then
        res.headers["Content-Type"] = "text/html"
        res:write(PAGE)
      elseif req.path == "/live" then
        talk(assert(req:websocket { protocols = { "spec" } }))
      end
    end))
    local child = assert(process.spawn(program, { "--headless", "--no-sandbox", "--disable-gpu",
      "--user-data-dir=" .. helper.path("browser"), "http://" .. server:addr() .. "/" },
      { stdin = "null", stdout = "null", stderr = "null" }))
    done:recv(15)
    child:kill()
    child:wait()
    server:close(5)
    assert.same({ "open spec \195\164\240\159\140\138", "70000 characters", "\3\2\1", "binary",
      "nil", 3000, "done" }, said)
  end)
end)
