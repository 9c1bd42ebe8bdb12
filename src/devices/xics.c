/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XICS. A presentation controller latches nothing. It shows the most favoured of its MFRR and the
 * sources routed to it that are pending and not in service, if that is more favoured than CPPR. So
 * nothing has to be rejected or resent when a priority changes. The calls that reach it are in
 * hcall/interrupt_presentation.c and rtas/interrupt_source.c.
 */
#include <string.h>

#include "devices/xics.h"

#define XISR_MASK 0x00ffffffu

/* The interrupt that @server shows, 0 for none; *@priority is its priority. */
static uint32_t most_favoured(const struct xics *xics, unsigned server, uint8_t *priority)
{
	const struct xics_presentation *presentation = &xics->state.server[server];
	uint8_t best = presentation->cppr;
	uint32_t interrupt = 0;

	if (presentation->mfrr < best) {
		best = presentation->mfrr;
		interrupt = XICS_IPI;
	}
	for (unsigned i = 0; i < XICS_NR_SOURCES; i++) {
		const struct xics_source *source = &xics->state.source[i];

		if (source->pending && !source->in_service && source->server == server &&
		    source->priority < best) {
			best = source->priority;
			interrupt = XICS_SOURCE_BASE + i;
		}
	}
	*priority = best;
	return interrupt;
}

static void update(struct xics *xics, unsigned server)
{
	uint8_t priority;
	bool level = most_favoured(xics, server, &priority) != 0;

	if (level == xics->level[server])
		return;
	xics->level[server] = level;
	xics->set_external(xics->opaque, server, level);
}

static void clear(struct xics_state *s)
{
	for (unsigned i = 0; i < s->nr_servers; i++)
		s->server[i] = (struct xics_presentation){ .cppr = 0, .mfrr = XICS_MASKED };
	for (unsigned i = 0; i < XICS_NR_SOURCES; i++)
		s->source[i] = (struct xics_source){ .priority = XICS_MASKED,
						     .saved_priority = XICS_MASKED };
}

static void note_levels(struct xics *xics)
{
	for (unsigned i = 0; i < xics->state.nr_servers; i++) {
		uint8_t priority;

		xics->level[i] = most_favoured(xics, i, &priority) != 0;
	}
}

static void reset(struct device *device)
{
	struct xics *xics = (struct xics *)device;

	clear(&xics->state);
	note_levels(xics);
	for (unsigned i = 0; i < xics->state.nr_servers; i++)
		xics->set_external(xics->opaque, i, xics->level[i]);
}

static void describe(const struct device *device, struct tree *tree)
{
	const struct xics *xics = (const struct xics *)device;

	tree_begin(tree, "interrupt-controller");
	tree_string(tree, "device_type", "PowerPC-External-Interrupt-Presentation");
	tree_string(tree, "compatible", "IBM,ppc-xicp");
	tree_empty(tree, "interrupt-controller");
	tree_u32(tree, "#interrupt-cells", 2);
	TREE_CELLS(tree, "ibm,interrupt-server-ranges", 0, xics->state.nr_servers);
	tree_u32(tree, "phandle", XICS_PHANDLE);
	tree_end(tree);
}

/* The vCPUs' inputs have these levels already: they are loaded with the vCPUs. */
static void loaded(struct device *device)
{
	note_levels((struct xics *)device);
}

static bool fits(const void *loaded, const void *present)
{
	const struct xics_state *s = loaded;

	for (unsigned i = 0; i < XICS_NR_SOURCES; i++)
		if (s->source[i].server >= s->nr_servers)
			return false;
	return s->nr_servers == ((const struct xics_state *)present)->nr_servers;
}

static const struct record_field fields[] = {
	RECORD_NUMBER(struct xics_state, nr_servers, ENGINE_MAX_VCPUS),
	RECORD_EACH_USED(struct xics_state, server, cppr, UINT8_MAX),
	RECORD_EACH_USED(struct xics_state, server, mfrr, UINT8_MAX),
	RECORD_EACH(struct xics_state, source, server, ENGINE_MAX_VCPUS - 1),
	RECORD_EACH(struct xics_state, source, priority, UINT8_MAX),
	RECORD_EACH(struct xics_state, source, saved_priority, UINT8_MAX),
	RECORD_EACH(struct xics_state, source, pending, true),
	RECORD_EACH(struct xics_state, source, in_service, true),
};

static unsigned nr_servers(const void *state)
{
	return ((const struct xics_state *)state)->nr_servers;
}

static const struct record_type record = {
	.name = "xics",
	.size = sizeof(struct xics_state),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
	.fits = fits,
	.used = nr_servers,
};

static const struct device_type type = {
	.name = "xics",
	.reset = reset,
	.describe = describe,
	.record = &record,
	.state_offset = offsetof(struct xics, state),
	.loaded = loaded,
};

void xics_init(struct xics *xics, unsigned nr_servers,
	       void (*set_external)(void *opaque, unsigned server, bool level), void *opaque)
{
	*xics = (struct xics){
		.device = { &type },
		.state = { .nr_servers = (uint8_t)nr_servers },
		.set_external = set_external,
		.opaque = opaque,
	};
	clear(&xics->state);
}

struct xics_source *xics_source(struct xics *xics, uint32_t interrupt)
{
	if (interrupt < XICS_SOURCE_BASE || interrupt >= XICS_SOURCE_BASE + XICS_NR_SOURCES)
		return NULL;
	return &xics->state.source[interrupt - XICS_SOURCE_BASE];
}

void xics_raise(struct xics *xics, uint32_t interrupt)
{
	struct xics_source *source = xics_source(xics, interrupt);

	if (!source)
		return;
	source->pending = true;
	update(xics, source->server);
}

uint32_t xics_poll(const struct xics *xics, unsigned server)
{
	uint8_t priority;

	return (uint32_t)xics->state.server[server].cppr << 24 |
	       most_favoured(xics, server, &priority);
}

uint32_t xics_accept(struct xics *xics, unsigned server)
{
	uint8_t priority;
	uint32_t interrupt = most_favoured(xics, server, &priority);
	uint32_t xirr = (uint32_t)xics->state.server[server].cppr << 24 | interrupt;
	struct xics_source *source = xics_source(xics, interrupt);

	if (!interrupt)
		return xirr;
	if (source) {
		source->pending = false;
		source->in_service = true;
	}
	xics->state.server[server].cppr = priority;
	update(xics, server);
	return xirr;
}

void xics_eoi(struct xics *xics, unsigned server, uint32_t xirr)
{
	struct xics_source *source = xics_source(xics, xirr & XISR_MASK);

	xics->state.server[server].cppr = (uint8_t)(xirr >> 24);
	if (source) {
		source->in_service = false;
		/* it may have been routed elsewhere since it was presented */
		update(xics, source->server);
	}
	update(xics, server);
}

void xics_set_cppr(struct xics *xics, unsigned server, uint8_t cppr)
{
	xics->state.server[server].cppr = cppr;
	update(xics, server);
}

void xics_set_mfrr(struct xics *xics, unsigned server, uint8_t mfrr)
{
	xics->state.server[server].mfrr = mfrr;
	update(xics, server);
}

void xics_route(struct xics *xics, struct xics_source *source, uint8_t server, uint8_t priority)
{
	uint8_t former = source->server;

	source->server = server;
	source->priority = priority;
	source->saved_priority = priority;
	update(xics, former);
	update(xics, server);
}

void xics_mask(struct xics *xics, struct xics_source *source)
{
	if (source->priority != XICS_MASKED) /* masking twice must not lose the priority */
		source->saved_priority = source->priority;
	source->priority = XICS_MASKED;
	update(xics, source->server);
}

void xics_unmask(struct xics *xics, struct xics_source *source)
{
	source->priority = source->saved_priority;
	update(xics, source->server);
}
