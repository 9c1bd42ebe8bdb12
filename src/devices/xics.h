/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The partition's interrupts: one presentation controller per vCPU and one source controller, as
 * LoPAR chapter "Interrupt Controller" (PowerPC External Interrupt option) shows them through
 * hcalls and RTAS.
 */
#ifndef FWNMI_DEVICES_XICS_H
#define FWNMI_DEVICES_XICS_H

#include <stdbool.h>
#include <stdint.h>

#include "devices/device.h"
#include "engine/engine.h"

/* Interrupt number that XIRR shows for an inter-processor interrupt. */
#define XICS_IPI	 2u
#define XICS_SOURCE_BASE 0x1000u
#define XICS_NR_SOURCES	 16u
#define XICS_PHANDLE	 1u

/* A priority: 0 is the most favoured; 0xff as a source's or MFRR's priority is "never". */
#define XICS_MASKED 0xffu

struct xics_source {
	uint8_t server; /* vCPU it goes to */
	uint8_t priority; /* XICS_MASKED: off */
	uint8_t saved_priority;
	bool pending; /* edge seen, not yet presented */
	bool in_service; /* presented through XIRR, not yet EOIed */
};

struct xics_presentation {
	uint8_t cppr;
	uint8_t mfrr;
};

struct xics_state {
	uint8_t nr_servers;
	struct xics_presentation server[ENGINE_MAX_VCPUS];
	struct xics_source source[XICS_NR_SOURCES];
};

struct xics {
	struct device device;
	struct xics_state state;
	bool level[ENGINE_MAX_VCPUS]; /* of the servers' lines, as set_external() was last told */
	/* The external interrupt input of a vCPU changes. */
	void (*set_external)(void *opaque, unsigned server, bool level);
	void *opaque;
};

/** xics_init() - @nr_servers: vCPUs, at most ENGINE_MAX_VCPUS; no line is set before a reset. */
void xics_init(struct xics *xics, unsigned nr_servers,
	       void (*set_external)(void *opaque, unsigned server, bool level), void *opaque);

/** xics_raise() - signal an edge of a source, XICS_SOURCE_BASE .. */
void xics_raise(struct xics *xics, uint32_t interrupt);

/** xics_poll() - XIRR as it would be read: CPPR in the high byte, interrupt number or 0 in the
 * rest. */
uint32_t xics_poll(const struct xics *xics, unsigned server);
/** xics_accept() - read XIRR: the interrupt shown is in service now and CPPR is its priority. */
uint32_t xics_accept(struct xics *xics, unsigned server);
/** xics_eoi() - write XIRR: CPPR from the high byte, end of interrupt for the number in the rest.
 */
void xics_eoi(struct xics *xics, unsigned server, uint32_t xirr);
void xics_set_cppr(struct xics *xics, unsigned server, uint8_t cppr);
void xics_set_mfrr(struct xics *xics, unsigned server, uint8_t mfrr);

/** xics_source() - the source with this interrupt number; NULL if there is none. */
struct xics_source *xics_source(struct xics *xics, uint32_t interrupt);
/** xics_route() - ibm,set-xive: @server exists. */
void xics_route(struct xics *xics, struct xics_source *source, uint8_t server, uint8_t priority);
void xics_mask(struct xics *xics, struct xics_source *source);
void xics_unmask(struct xics *xics, struct xics_source *source);

#endif
