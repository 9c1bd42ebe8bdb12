/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Injects machine checks and system resets into a machine's vCPUs, and reports what the guest made
 * of each. It uses the machine's hook and is called in the machine's thread.
 */
#ifndef FWNMI_INJECT_INJECTOR_H
#define FWNMI_INJECT_INJECTOR_H

#include "base/symbols.h"
#include "inject/request.h"
#include "machine/machine.h"

struct injector;

/*
 * Called when an injection has failed or finished. Its delivery and interlock are machine events.
 */
struct injector_listener {
	void (*ended)(void *opaque, const struct injection_report *report);
	void *opaque;
};

/** injector_create() - NULL with a one-line reason in @err on failure. */
struct injector *injector_create(struct machine *machine, char *err, size_t err_size);
/**
 * injector_use_symbols() - the symbols of the kernel that the machine was given
 * @symbols: stays the caller's; NULL: there are none
 * @why_not: then why, for messages; it must outlive the injector
 */
void injector_use_symbols(struct injector *injector, struct symbols *symbols, const char *why_not);
/** injector_destroy() - call after the machine's last run. */
void injector_destroy(struct injector *injector);
/** injector_forget() - withdraw and unwatch everything, without a word: as if newly created */
void injector_forget(struct injector *injector);
/**
 * injector_tell_processes() - who can tell which process a vCPU runs, for triggers
 * @tell: gets the vCPU's registers; writes as much as it knows
 */
void injector_tell_processes(struct injector *injector,
			     void (*tell)(void *opaque, const struct engine_regs *regs,
					  struct trigger_process *process),
			     void *opaque);
void injector_listen(struct injector *injector, const struct injector_listener *listener);

/**
 * injector_add() - deliver an injection as soon as its trigger comes true for its vCPU
 *
 * It is delivered before exactly the instruction that the trigger describes. Up to there the guest
 * runs as without it. A vCPU has one injection, or one storm, at a time; each event of a storm is
 * reported. One that fails ends it. If it is not delivered within the
 * request's limits it is withdrawn, also from libfwnmi's queue.
 *
 * Returns false with a reason in @err: no such vCPU, the vCPU is stopped or has an injection
 * pending, no such symbol, the engine cannot wait for that, or libfwnmi refuses the machine check.
 */
bool injector_add(struct injector *injector, const struct injection_request *request, char *err,
		  size_t err_size);

/** injector_cancel() - withdraw and report all that is under way: the guest it was for is gone */
void injector_cancel(struct injector *injector, const char *reason);

/** injector_note_log() - read the log of a machine check that has entered a registered routine */
void injector_note_log(const struct guest_memory *memory, struct injection_report *report);

/**
 * injector_explains() - which injection led to this event; NULL: none. To be called while the
 * machine tells the event. @injector may be NULL.
 */
const struct injection_report *injector_explains(const struct injector *injector,
						 const struct machine_event *event);

#endif
