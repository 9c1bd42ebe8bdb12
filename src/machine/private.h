/* SPDX-License-Identifier: BSD-2-Clause */
/* Shared by machine.c (what the machine is made of) and scheduler.c (how it runs). */
#ifndef FWNMI_MACHINE_PRIVATE_H
#define FWNMI_MACHINE_PRIVATE_H

#include <signal.h>

#include "base/host_time.h"
#include "base/limit.h"
#include "machine/loader.h"
#include "machine/machine.h"
#include "machine/used_pages.h"

/* A vCPU's run state. FWNMI may hold a vCPU that is runnable here: see papr_may_run(). */
struct vcpu {
	enum vcpu_state state;
	bool kicked; /* papr_resume() is due before it runs */
	bool gave_up; /* its last turn ended early, because it waits for others in a loop */
	bool prodded; /* H_PROD came while it ran: its next H_CEDE returns at once */
};

/*
 * In a round each vCPU that can use it gets one turn. A round that was interrupted for something
 * else, or was saved, goes on where it was.
 */
struct round {
	bool under_way;
	bool ready[ENGINE_MAX_VCPUS]; /* those that could use a turn when the round began */
	bool alone; /* there was only one */
	uint8_t first, done; /* the first vCPU to have a turn; how many had theirs, or passed */
	uint8_t vcpu; /* the one whose turn it is, or was last */
	bool switch_now; /* another vCPU was woken: end this turn */
	int64_t left; /* instructions left of this turn; 0: it has not begun */
};

/* What the hooks wait for on a vCPU: see machine_watch(). The engine has them before the breaks. */
struct vcpu_watches {
	struct engine_watch list[MACHINE_MAX_WATCHES];
	unsigned count;
};

struct machine {
	struct machine_config config;
	const struct engine_ops *ops;
	struct engine *engine;
	struct papr *papr;
	struct guest_memory memory;
	struct page_map used; /* which pages of memory are */
	struct guest_clock clock;
	uint64_t saved_timebase; /* when the machine was saved, or as it was loaded */
	struct loader loader;
	struct vcpu vcpus[ENGINE_MAX_VCPUS];
	struct round round;
	uint64_t stop_at; /* see machine_stop_at() */
	struct vcpu_watches watches[ENGINE_MAX_VCPUS];
	struct engine_watch breaks[MACHINE_MAX_BREAKS]; /* of each vCPU: see machine_break() */
	unsigned nr_breaks;
	bool beside; /* see engine_ops.run_beside() */
	bool woken; /* since the round began; there may be an exit of a vCPU that had its turn */
	bool notes_executed; /* see machine_note_executed() */
	bool loaded; /* another turn may be under way than a moment ago */

	struct machine_hook hooks[MACHINE_MAX_HOOKS];
	unsigned nr_hooks;
	uint64_t hooks_due_ns; /* host time at which a hook wants to be polled; UINT64_MAX: none */
	struct machine_client clients[MACHINE_MAX_CLIENTS];
	unsigned nr_clients;
	void (*console_write)(void *opaque, const void *buf, unsigned len);
	unsigned (*console_read)(void *opaque, void *buf, unsigned len);
	void *console_opaque;
	bool console_full;

	uint64_t next_poll_ns;
	int wake_fd; /* eventfd that ends a wait; written by machine_quit() */
	volatile sig_atomic_t quit;
	bool paused, reset_requested;
	bool reboot_due; /* the guest caused it: no vCPU runs before it */
	struct limit reboots; /* limits reboots that guests cause */
	uint64_t paused_at; /* host ticks; CLOCK_HOST stops during a pause */

	enum machine_end end;
	char why[256];
};

void machine_emit(struct machine *machine, struct machine_event *event);
void machine_end_with(struct machine *machine, enum machine_end end, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** machine_reboot() - start the partition again. */
void machine_reboot(struct machine *machine, bool guest_asked);
/**
 * machine_poll_clients() - wait for the clients at most @timeout_ns; -1: until one has something.
 */
void machine_poll_clients(struct machine *machine, int64_t timeout_ns);

/* machine_state.c: the steps of machine_save() and machine_load(), for snapshots */
bool machine_can_save(const struct machine *machine, char *err, size_t err_size);
void machine_before_saving(struct machine *machine);
size_t machine_image_size(struct machine *machine); /* FWNMI's record apart */
void machine_to_image(struct machine *machine, void *image);
void machine_from_image(struct machine *machine, const void *image);
void machine_after_loading(struct machine *machine);

/* machine.c */
/** machine_forget_watches() - the engine has forgotten all watches; it gets the breaks again. */
void machine_forget_watches(struct machine *machine);

/* scheduler.c: for struct papr_host */
enum vcpu_state scheduler_vcpu_state(void *opaque, unsigned vcpu);
void scheduler_vcpu_start(void *opaque, unsigned vcpu);
void scheduler_vcpu_wake(void *opaque, unsigned vcpu);
void scheduler_vcpu_prod(void *opaque, unsigned vcpu);
void scheduler_vcpu_kick(void *opaque, unsigned vcpu);
/** scheduler_reset() - vCPU 0 is runnable, the others are stopped. */
void scheduler_reset(struct machine *machine);
/** scheduler_stop() - bring vCPUs that run on threads of their own out of the guest. */
void scheduler_stop(struct machine *machine);
/** scheduler_stop_beside() - the same, and have vCPUs take turns until the next round. */
void scheduler_stop_beside(struct machine *machine);

#endif
