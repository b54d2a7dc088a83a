// ConvexStore, channels domain.

import { assert, minute, range, run, sleep, test } from "./harness.mjs";

const installation = (t, name, fields = {}) => ({
  id: t.id(name),
  platform: t.id("platform"),
  agentId: t.id("agent"),
  status: "active",
  data: { $token: "x" },
  createdAt: minute(0),
  updatedAt: minute(0),
  ...fields,
});

/** Saves installations at times of their own: the adapter sets updatedAt to now. */
const save = async (channels, ...all) => {
  for (const one of all) {
    await channels.saveInstallation(one);
    await sleep(2);
  }
};

const names = (rows) => rows.map((one) => one.id.split(".").at(-1));

test("a saved installation comes back, updated now", async ({ channels, t }) => {
  const full = installation(t, "full", { webhookId: t.id("hook"), configHash: "h", error: "e", status: "error" });
  await save(channels, full, installation(t, "bare"));

  const { updatedAt, ...fields } = await channels.getInstallation(t.id("full"));
  const bare = await channels.getInstallation(t.id("bare"));

  assert.ok(updatedAt > minute(0));
  const { updatedAt: _, ...expected } = full;
  assert.deepEqual(fields, expected);
  assert.deepEqual([bare.webhookId, bare.configHash, bare.error], [undefined, undefined, undefined]);
});

test("an installation that was never saved is null", async ({ channels, t }) => {
  assert.equal(await channels.getInstallation(t.id("missing")), null);
  assert.equal(await channels.getInstallationByAgent(t.id("platform"), t.id("agent")), null);
  assert.equal(await channels.getInstallationByWebhookId(t.id("missing")), null);
});

test("saving an installation again keeps its createdAt and clears what is absent", async ({ channels, t }) => {
  await save(channels, installation(t, "a", { webhookId: t.id("hook"), data: { old: true } }));
  await save(channels, installation(t, "a", { createdAt: minute(9), data: { fresh: true } }));

  const loaded = await channels.getInstallation(t.id("a"));

  assert.deepEqual([loaded.createdAt, loaded.data, loaded.webhookId], [minute(0), { fresh: true }, undefined]);
  assert.equal((await channels.listInstallations(t.id("platform"))).length, 1);
});

test("the installation of an agent is the active one, then the pending, then the failed", async ({ channels, t }) => {
  const find = async () => names([await channels.getInstallationByAgent(t.id("platform"), t.id("agent"))]);

  await save(channels, installation(t, "failed", { status: "error" }));
  assert.deepEqual(await find(), ["failed"]);
  await save(channels, installation(t, "pending", { status: "pending" }));
  assert.deepEqual(await find(), ["pending"]);
  await save(channels, installation(t, "active"), installation(t, "failed-again", { status: "error" }));
  assert.deepEqual(await find(), ["active"]);
  await save(channels, installation(t, "newer"), installation(t, "other", { agentId: t.id("other") }));
  assert.deepEqual(await find(), ["newer"]);
});

test("the installation of a webhook is the newest", async ({ channels, t }) => {
  const webhookId = t.id("hook");
  await save(channels, installation(t, "a", { webhookId }), installation(t, "b", { webhookId }), installation(t, "c"));

  assert.deepEqual(names([await channels.getInstallationByWebhookId(webhookId)]), ["b"]);
});

test("installations of a platform are listed newest first", async ({ channels, t }) => {
  await save(
    channels,
    installation(t, "b", { createdAt: minute(2) }),
    installation(t, "c", { createdAt: minute(3) }),
    installation(t, "a", { createdAt: minute(1) }),
    installation(t, "other", { platform: t.id("other") }),
  );

  assert.deepEqual(names(await channels.listInstallations(t.id("platform"))), ["c", "b", "a"]);
});

test("deleting an installation twice is no error", async ({ channels, t }) => {
  await save(channels, installation(t, "a"), installation(t, "b"));

  await channels.deleteInstallation(t.id("a"));
  await channels.deleteInstallation(t.id("a"));

  assert.deepEqual(names(await channels.listInstallations(t.id("platform"))), ["b"]);
});

test("a configuration is kept per platform", async ({ channels, t }) => {
  const config = { platform: t.id("platform"), data: { $token: "x" }, updatedAt: minute(1) };
  await channels.saveConfig(config);
  assert.deepEqual(await channels.getConfig(t.id("platform")), config);

  await channels.saveConfig({ ...config, data: { fresh: true }, updatedAt: minute(2) });
  const loaded = await channels.getConfig(t.id("platform"));
  assert.deepEqual([loaded.data, loaded.updatedAt], [{ fresh: true }, minute(2)]);

  await channels.deleteConfig(t.id("platform"));
  await channels.deleteConfig(t.id("platform"));
  assert.equal(await channels.getConfig(t.id("platform")), null);
});

test("stored data that is no JSON is reported with its row", async ({ channels, t }) => {
  const { createdAt, updatedAt, ...fields } = installation(t, "a", { data: "{broken" });
  const times = { createdAt: createdAt.toISOString(), updatedAt: updatedAt.toISOString() };
  const { value } = await t.storage({
    op: "insert",
    tableName: "mastra_channel_installations",
    record: { ...fields, ...times },
  });

  assert.equal(value.ok, true);
  await assert.rejects(channels.getInstallation(t.id("a")), /Invalid channel data JSON for installation .*a$/);
});

test("dangerouslyClearAll empties tables of more than 25 rows", async ({ channels, t }) => {
  await Promise.all(range(30).map((number) => channels.saveInstallation(installation(t, `${number}`))));
  await channels.saveConfig({ platform: t.id("platform"), data: {}, updatedAt: minute(1) });

  await channels.dangerouslyClearAll();

  assert.deepEqual(await channels.listInstallations(t.id("platform")), []);
  assert.equal(await channels.getConfig(t.id("platform")), null);
});

test(
  "an installation of more than one MiB is refused and leaves nothing",
  { emulatorOnly: true },
  async ({ channels, t }) => {
    const large = installation(t, "a", { data: { text: "x".repeat(1 << 20) } });

    await assert.rejects(channels.saveInstallation(large), /Value is too large/);

    assert.equal(await channels.getInstallation(t.id("a")), null);
  },
);

await run(import.meta);
