/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XIVE. An event passes a source's state bits, the source's routing, a queue in the guest's memory,
 * the queue's state bits, and ends as a pending priority of a vCPU. The vCPU's line follows from
 * its pending priorities and CPPR, so nothing has to be presented again or taken back when they
 * change. Nothing escalates: a vCPU's context is always there. The hypervisor's calls are in
 * hcall/interrupt_exploitation.c.
 */
#include <stdio.h>
#include <string.h>

#include "devices/xive.h"

/* Offsets in a page of state bits. Below GET a load ends an interrupt. */
#define STORE_END     0x400u /* would end one by a store; below it a store triggers it */
#define GET	      0x800u
#define SET	      0xc00u /* to what the two bits of 0x300 say */
/* Pages repeat this much. */
#define STATE_OFFSETS 0xfffu

/* Offsets in the OS's page of a vCPU's context. */
#define OS_RING	    0x10u
#define RINGS	    0x40u
#define CPPR	    1u
#define ACKNOWLEDGE 0x810u
#define SET_PENDING 0x812u

#define NSR_OS 0x80u /* an interrupt for the OS is pending */

static const uint32_t queue_orders[] = { 12, 16, 21, 24 };

/* ---- a vCPU's context ---- */

static uint8_t most_favoured(const struct xive_context *context)
{
	return context->pending ? (uint8_t)(__builtin_clz(context->pending) - 24) : XIVE_MASKED;
}

static bool interrupts(const struct xive_context *context)
{
	return most_favoured(context) < context->cppr;
}

static void update(struct xive *xive, unsigned server)
{
	const bool level = interrupts(&xive->state.context[server]);

	if (level == xive->level[server])
		return;
	xive->level[server] = level;
	xive->set_external(xive->opaque, server, level);
}

static void set_pending(struct xive *xive, unsigned server, unsigned priority)
{
	xive->state.context[server].pending |= (uint8_t)(0x80u >> priority);
	update(xive, server);
}

static void set_cppr(struct xive *xive, unsigned server, uint8_t cppr)
{
	xive->state.context[server].cppr = cppr > XIVE_NR_PRIORITIES ? XIVE_MASKED : cppr;
	update(xive, server);
}

/* The interrupt's priority becomes CPPR. Returns NSR as it was, and CPPR. */
static uint64_t acknowledge(struct xive *xive, unsigned server)
{
	struct xive_context *context = &xive->state.context[server];

	if (!interrupts(context))
		return context->cppr;
	context->cppr = most_favoured(context);
	context->pending &= (uint8_t) ~(0x80u >> context->cppr);
	update(xive, server);
	return NSR_OS << 8 | context->cppr;
}

/* ---- events ---- */

/* Something happens. Is it to be passed on? */
static bool trigger(uint8_t *pq)
{
	if (*pq == 0) {
		*pq = XIVE_P;
		return true;
	}
	if (*pq & XIVE_P)
		*pq |= XIVE_Q;
	return false;
}

/* It has been handled. Is it to be passed on again? */
static bool end_of_interrupt(uint8_t *pq)
{
	const bool again = *pq == (XIVE_P | XIVE_Q);

	if (*pq != XIVE_OFF)
		*pq = again ? XIVE_P : 0;
	return again;
}

/* A load from a page of state bits. */
static uint64_t load_state(uint8_t *pq, uint64_t offset, bool *pass_on)
{
	const uint64_t before = *pq;

	offset &= STATE_OFFSETS;
	*pass_on = false;
	if (offset >= SET) {
		*pq = offset >> 8 & 3;
	} else if (offset < GET) {
		*pass_on = end_of_interrupt(pq);
		return *pass_on;
	}
	return before;
}

/* A store to one. The end of an interrupt by a store is not offered. */
static bool store_state(uint8_t *pq, uint64_t offset)
{
	offset &= STATE_OFFSETS;
	if (offset >= SET)
		*pq = offset >> 8 & 3;
	return offset < STORE_END && trigger(pq);
}

/* A queue that is not in memory, or is poisoned, loses the event. The guest is notified anyway. */
static void enqueue(struct xive *xive, struct xive_queue *queue, uint32_t number)
{
	const uint32_t entries = 1u << (queue->order - 2);

	memory_write_be32(xive->memory, queue->address + 4ull * queue->next,
			  (uint32_t)queue->generation << 31 | (number & 0x7fffffff));
	queue->next = (queue->next + 1) & (entries - 1);
	if (!queue->next)
		queue->generation = !queue->generation;
}

static void route(struct xive *xive, const struct xive_source *source)
{
	struct xive_queue *queue;

	if (source->masked)
		return;
	queue = xive_queue(xive, source->server, source->priority);
	if (!queue->order)
		return;
	enqueue(xive, queue, source->number);
	if (queue->always_notify || trigger(&queue->pq))
		set_pending(xive, source->server, source->priority);
}

static void trigger_source(struct xive *xive, struct xive_source *source)
{
	if (trigger(&source->pq))
		route(xive, source);
}

void xive_raise(struct xive *xive, uint32_t lisn)
{
	struct xive_source *source = xive_source(xive, lisn);

	if (source)
		trigger_source(xive, source);
}

uint64_t xive_manage_load(struct xive *xive, struct xive_source *source, uint64_t offset)
{
	bool pass_on;
	uint64_t value = load_state(&source->pq, offset, &pass_on);

	if (pass_on)
		route(xive, source);
	return value;
}

void xive_manage_store(struct xive *xive, struct xive_source *source, uint64_t offset)
{
	if (store_state(&source->pq, offset))
		route(xive, source);
}

/* ---- windows ---- */

/* Two pages a source. Those of numbers that are no source's, and a load to trigger, do nothing. */
static uint64_t source_read(void *opaque, unsigned vcpu, uint64_t offset, unsigned size)
{
	struct xive_source *source = xive_source(opaque, offset >> (XIVE_PAGE_BITS + 1));

	if (!source || !(offset & XIVE_PAGE))
		return UINT64_MAX;
	return xive_manage_load(opaque, source, offset);
}

static void source_write(void *opaque, unsigned vcpu, uint64_t offset, unsigned size,
			 uint64_t value)
{
	struct xive_source *source = xive_source(opaque, offset >> (XIVE_PAGE_BITS + 1));

	if (!source)
		return;
	if (offset & XIVE_PAGE)
		xive_manage_store(opaque, source, offset);
	else
		trigger_source(opaque, source);
}

static void notify(struct xive *xive, unsigned queue)
{
	set_pending(xive, queue / XIVE_NR_PRIORITIES, queue % XIVE_NR_PRIORITIES);
}

/* A page for each queue's notification. */
static uint64_t queue_read(void *opaque, unsigned vcpu, uint64_t offset, unsigned size)
{
	struct xive *xive = opaque;
	const unsigned number = (unsigned)(offset >> XIVE_PAGE_BITS);
	bool pass_on;
	uint64_t value = load_state(&xive->state.queue[number].pq, offset, &pass_on);

	if (pass_on)
		notify(xive, number);
	return value;
}

static void queue_write(void *opaque, unsigned vcpu, uint64_t offset, unsigned size, uint64_t value)
{
	struct xive *xive = opaque;
	const unsigned number = (unsigned)(offset >> XIVE_PAGE_BITS);

	if (store_state(&xive->state.queue[number].pq, offset))
		notify(xive, number);
}

/* The first page is the OS's, the second the user's, which has no interrupts of its own. */
static uint64_t thread_read(void *opaque, unsigned vcpu, uint64_t offset, unsigned size)
{
	struct xive *xive = opaque;
	const struct xive_context *context = &xive->state.context[vcpu];
	const uint8_t ring[8] = {
		interrupts(context) ? NSR_OS : 0, context->cppr, context->pending, 0xff, 0xff, 0, 0,
		most_favoured(context),
	};
	uint8_t bytes[RINGS] = { 0 };
	uint64_t value = 0;

	if (offset == ACKNOWLEDGE && size == 2)
		return acknowledge(xive, vcpu);
	if (offset % XIVE_PAGE >= RINGS)
		return UINT64_MAX;
	if (offset < RINGS)
		memcpy(bytes + OS_RING, ring, sizeof(ring));
	for (unsigned i = 0; i < size; i++)
		value = value << 8 | bytes[offset % XIVE_PAGE + i];
	return value;
}

static void thread_write(void *opaque, unsigned vcpu, uint64_t offset, unsigned size,
			 uint64_t value)
{
	struct xive *xive = opaque;

	if (size != 1)
		return;
	if (offset == OS_RING + CPPR)
		set_cppr(xive, vcpu, (uint8_t)value);
	else if (offset == SET_PENDING && value < XIVE_NR_PRIORITIES)
		set_pending(xive, vcpu, (unsigned)value);
}

static bool add_windows(struct xive *xive, unsigned nr_servers)
{
	xive->source_window = (struct memory_window){
		.first = XIVE_SOURCE_BASE,
		.last = XIVE_SOURCE_BASE + (XICS_SOURCE_BASE + XICS_NR_SOURCES) * 2 * XIVE_PAGE - 1,
		.sizes = 8,
		.read = source_read,
		.write = source_write,
		.opaque = xive,
	};
	xive->queue_window = (struct memory_window){
		.first = XIVE_QUEUE_BASE,
		.last = XIVE_QUEUE_BASE + nr_servers * XIVE_NR_PRIORITIES * XIVE_PAGE - 1,
		.sizes = 8,
		.read = queue_read,
		.write = queue_write,
		.opaque = xive,
	};
	xive->thread_window = (struct memory_window){
		.first = XIVE_OS_BASE,
		.last = XIVE_USER_BASE + XIVE_PAGE - 1,
		.sizes = 1 | 2 | 4 | 8,
		.read = thread_read,
		.write = thread_write,
		.opaque = xive,
	};
	return memory_add_window(xive->memory, &xive->source_window) &&
	       memory_add_window(xive->memory, &xive->queue_window) &&
	       memory_add_window(xive->memory, &xive->thread_window);
}

/* ---- the device ---- */

static void clear(struct xive_state *s)
{
	static const struct xive_source off = { .pq = XIVE_OFF, .masked = true };

	memset(s->context, 0, sizeof(s->context));
	for (unsigned i = 0; i < s->nr_servers; i++)
		s->ipi[i] = off;
	for (unsigned i = 0; i < XICS_NR_SOURCES; i++)
		s->source[i] = off;
	for (unsigned i = 0; i < s->nr_servers * XIVE_NR_PRIORITIES; i++)
		s->queue[i] = (struct xive_queue){ .pq = XIVE_OFF };
}

void xive_reset(struct xive *xive)
{
	clear(&xive->state);
	for (unsigned i = 0; i < xive->state.nr_servers; i++)
		update(xive, i);
}

/* The vCPUs' inputs are not known, as they were reset too. */
static void reset(struct device *device)
{
	struct xive *xive = (struct xive *)device;

	clear(&xive->state);
	for (unsigned i = 0; i < xive->state.nr_servers; i++) {
		xive->level[i] = false;
		xive->set_external(xive->opaque, i, false);
	}
}

static void describe(const struct device *device, struct tree *tree)
{
	const struct xive *xive = (const struct xive *)device;
	static const uint64_t pages[] = { XIVE_USER_BASE, XIVE_OS_BASE };
	char name[64];

	snprintf(name, sizeof(name), "interrupt-controller@%llx",
		 (unsigned long long)XIVE_USER_BASE);
	tree_begin(tree, name);
	tree_string(tree, "device_type", "power-ivpe");
	tree_string(tree, "compatible", "ibm,power-ivpe");
	TREE_CELLS(tree, "reg", (uint32_t)(pages[0] >> 32), (uint32_t)pages[0], 0, XIVE_PAGE,
		   (uint32_t)(pages[1] >> 32), (uint32_t)pages[1], 0, XIVE_PAGE);
	TREE_CELLS(tree, "ibm,xive-eq-sizes", queue_orders[0], queue_orders[1], queue_orders[2],
		   queue_orders[3]);
	TREE_CELLS(tree, "ibm,xive-lisn-ranges", 0, xive->state.nr_servers);
	tree_empty(tree, "interrupt-controller");
	tree_u32(tree, "#interrupt-cells", 2);
	tree_u32(tree, "#address-cells", 0);
	tree_u32(tree, "phandle", XIVE_PHANDLE);
	tree_end(tree);
}

/* The vCPUs' inputs have these levels already: they are loaded with the vCPUs. */
static void loaded(struct device *device)
{
	struct xive *xive = (struct xive *)device;

	for (unsigned i = 0; i < xive->state.nr_servers; i++)
		xive->level[i] = interrupts(&xive->state.context[i]);
}

static bool fits(const void *loaded, const void *present)
{
	const struct xive_state *s = loaded;

	if (s->nr_servers != ((const struct xive_state *)present)->nr_servers)
		return false;
	for (unsigned i = 0; i < s->nr_servers; i++)
		if (s->ipi[i].server >= s->nr_servers)
			return false;
	for (unsigned i = 0; i < XICS_NR_SOURCES; i++)
		if (s->source[i].server >= s->nr_servers)
			return false;
	for (unsigned i = 0; i < s->nr_servers * XIVE_NR_PRIORITIES; i++) {
		const struct xive_queue *queue = &s->queue[i];

		if (queue->order && (!xive_queue_order_valid(queue->order) ||
				     queue->next >= 1u << (queue->order - 2)))
			return false;
	}
	return true;
}

#define SOURCES(EACH, array)                                                      \
	EACH(struct xive_state, array, pq, XIVE_P | XIVE_Q),                      \
		EACH(struct xive_state, array, masked, true),                     \
		EACH(struct xive_state, array, server, ENGINE_MAX_VCPUS - 1),     \
		EACH(struct xive_state, array, priority, XIVE_NR_PRIORITIES - 1), \
		EACH(struct xive_state, array, number, UINT32_MAX)
#define QUEUES(member, max) \
	RECORD_SEVERAL_USED(struct xive_state, queue, member, max, XIVE_NR_PRIORITIES)

static const struct record_field fields[] = {
	RECORD_NUMBER(struct xive_state, nr_servers, ENGINE_MAX_VCPUS),
	RECORD_EACH_USED(struct xive_state, context, cppr, UINT8_MAX),
	RECORD_EACH_USED(struct xive_state, context, pending, 0xfe),
	SOURCES(RECORD_EACH_USED, ipi),
	SOURCES(RECORD_EACH, source),
	QUEUES(address, UINT64_MAX),
	QUEUES(order, 24),
	QUEUES(always_notify, true),
	QUEUES(generation, true),
	QUEUES(next, UINT32_MAX),
	QUEUES(pq, XIVE_P | XIVE_Q),
};

static unsigned nr_servers(const void *state)
{
	return ((const struct xive_state *)state)->nr_servers;
}

static const struct record_type record = {
	.name = "xive",
	.size = sizeof(struct xive_state),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
	.fits = fits,
	.used = nr_servers,
};

static const struct device_type type = {
	.name = "xive",
	.reset = reset,
	.describe = describe,
	.record = &record,
	.state_offset = offsetof(struct xive, state),
	.loaded = loaded,
};

bool xive_init(struct xive *xive, unsigned nr_servers, struct guest_memory *memory,
	       void (*set_external)(void *opaque, unsigned server, bool level), void *opaque)
{
	*xive = (struct xive){
		.device = { &type },
		.state = { .nr_servers = (uint8_t)nr_servers },
		.memory = memory,
		.set_external = set_external,
		.opaque = opaque,
	};
	clear(&xive->state);
	return add_windows(xive, nr_servers);
}

struct xive_source *xive_source(struct xive *xive, uint64_t lisn)
{
	if (lisn < xive->state.nr_servers)
		return &xive->state.ipi[lisn];
	if (lisn < XICS_SOURCE_BASE || lisn >= XICS_SOURCE_BASE + XICS_NR_SOURCES)
		return NULL;
	return &xive->state.source[lisn - XICS_SOURCE_BASE];
}

struct xive_queue *xive_queue(struct xive *xive, unsigned server, unsigned priority)
{
	return &xive->state.queue[server * XIVE_NR_PRIORITIES + priority];
}

bool xive_queue_order_valid(uint64_t order)
{
	for (unsigned i = 0; i < sizeof(queue_orders) / sizeof(queue_orders[0]); i++)
		if (order == queue_orders[i])
			return true;
	return false;
}
