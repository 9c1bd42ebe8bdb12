/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's interrupts in XIVE's exploitation mode: a guest reaches sources and its vCPUs'
 * interrupt contexts in device memory, and gets what happened in event queues in its own memory.
 * LoPAR chapter "Interrupt Controller", "XIVE Exploitation Mode".
 */
#ifndef FWNMI_DEVICES_XIVE_H
#define FWNMI_DEVICES_XIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "devices/xics.h"
#include "engine/engine.h"
#include "engine/memory.h"

#define XIVE_PHANDLE XICS_PHANDLE

/* Priorities: 0 is the most favoured. The last one of the hardware's eight is the hypervisor's. */
#define XIVE_NR_PRIORITIES 7u
#define XIVE_MASKED	   0xffu

/* Where the pages are, and their size. Those of a source: to trigger it, to manage it. */
#define XIVE_PAGE_BITS	 16
#define XIVE_PAGE	 (1ull << XIVE_PAGE_BITS)
#define XIVE_SOURCE_BASE 0x0006010000000000ull
#define XIVE_QUEUE_BASE	 0x0006020000000000ull
#define XIVE_OS_BASE	 0x00060302031a0000ull
#define XIVE_USER_BASE	 (XIVE_OS_BASE + XIVE_PAGE)

/*
 * Event state: P, the interrupt is on its way or being handled; Q, it happened again meanwhile. Q
 * alone is "off".
 */
#define XIVE_P	 2u
#define XIVE_Q	 1u
#define XIVE_OFF XIVE_Q

struct xive_source {
	uint8_t pq;
	bool masked; /* its events are dropped */
	uint8_t server, priority; /* the queue that they go to */
	uint32_t number; /* that the guest gave it; what its events are */
};

struct xive_queue {
	uint64_t address; /* real; a multiple of the queue's bytes */
	uint8_t order; /* log2 of its bytes; 0: there is none */
	bool always_notify;
	bool generation; /* the highest bit of the next event; changes when the queue begins anew */
	uint32_t next; /* entry */
	uint8_t pq; /* of the notification, unless always_notify */
};

/* A vCPU's interrupt context. What else it shows follows from this. */
struct xive_context {
	uint8_t cppr;
	uint8_t pending; /* IPB: a bit for each priority, 0x80 for 0 */
};

struct xive_state {
	uint8_t nr_servers;
	struct xive_context context[ENGINE_MAX_VCPUS];
	/* One for each vCPU, for the guest to use, from 0 on; devices have the numbers of XICS. */
	struct xive_source ipi[ENGINE_MAX_VCPUS], source[XICS_NR_SOURCES];
	struct xive_queue queue[ENGINE_MAX_VCPUS * XIVE_NR_PRIORITIES];
};

struct xive {
	struct device device;
	struct xive_state state;
	bool level[ENGINE_MAX_VCPUS]; /* of the vCPUs' lines, as set_external() was last told */
	struct guest_memory *memory;
	struct memory_window source_window, queue_window, thread_window;
	void (*set_external)(void *opaque, unsigned server, bool level);
	void *opaque;
};

/**
 * xive_init() - @memory: gets three windows
 *
 * returns: false if there is no room for a window
 */
bool xive_init(struct xive *xive, unsigned nr_servers, struct guest_memory *memory,
	       void (*set_external)(void *opaque, unsigned server, bool level), void *opaque);
/** xive_reset() - all sources off, no queues, vCPUs that take no interrupt */
void xive_reset(struct xive *xive);

/** xive_source() - the source with this number; NULL if there is none. */
struct xive_source *xive_source(struct xive *xive, uint64_t lisn);
/** xive_queue() - of a vCPU and a priority that exist */
struct xive_queue *xive_queue(struct xive *xive, unsigned server, unsigned priority);
/** xive_queue_order_valid() - is this log2 of bytes one of ibm,xive-eq-sizes? */
bool xive_queue_order_valid(uint64_t order);
/** xive_raise() - signal an edge of a source. */
void xive_raise(struct xive *xive, uint32_t lisn);

/** xive_manage_load() - a load from a source's management page. */
uint64_t xive_manage_load(struct xive *xive, struct xive_source *source, uint64_t offset);
/** xive_manage_store() - a store to it. */
void xive_manage_store(struct xive *xive, struct xive_source *source, uint64_t offset);

#endif
