// SPDX-License-Identifier: BSD-2-Clause
/*
 * What gcc compiles in the guest, and on the host: both must print the same. Integer and
 * floating-point arithmetic that has one right result, and the signals of enabled exceptions.
 */
#define _GNU_SOURCE
#include <fenv.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t random_state = 20;
static sigjmp_buf before_trap;
static volatile sig_atomic_t trap_code;

static uint64_t next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static uint64_t bits_of(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static void integers(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < 100000; i++) {
		uint64_t a = next_random(), b = next_random() | 1;

		sum += a / b + a % b + (uint64_t)((int64_t)a / (int32_t)b);
		sum ^= (uint64_t)((unsigned __int128)a * b >> 64);
		sum += (uint64_t)__builtin_popcountll(a) + (uint64_t)__builtin_clzll(b) +
		       (a >> (b & 63));
	}
	printf("integers %016" PRIx64 "\n", sum);
}

/* A random double of moderate size, so that few results are infinite. */
static double random_double(void)
{
	double value = (double)(int64_t)next_random();

	return ldexp(value, (int)(next_random() % 200) - 160);
}

static void doubles(int mode, const char *name)
{
	uint64_t sum = 0;

	fesetround(mode);
	for (int i = 0; i < 100000; i++) {
		double a = random_double(), b = random_double(), c = random_double();

		sum += bits_of(a + b) ^ bits_of(a * b) ^ bits_of(a / b) ^ bits_of(sqrt(fabs(c)));
		sum += bits_of(fma(a, b, c)) ^ bits_of((float)a * (float)b) ^ bits_of(rint(c));
		sum += (uint64_t)(int64_t)fmin(fmax(a, -1e18), 1e18);
	}
	fesetround(FE_TONEAREST);
	printf("doubles %s %016" PRIx64 "\n", name, sum);
}

static void vectors(void)
{
	static float f[4096];
	static uint16_t h[4096];
	uint64_t sum = 0;

	for (int i = 0; i < 4096; i++) {
		f[i] = (float)(next_random() % 1000);
		h[i] = (uint16_t)next_random();
	}
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 4096; i++) {
			f[i] = f[i] * 0.75f + (float)(h[i] >> 4);
			h[i] = (uint16_t)(h[i] * 5 + (h[i] > 1000 ? 7 : 9));
		}
	}
	for (int i = 0; i < 4096; i++)
		sum = sum * 31 + (uint64_t)f[i] + h[i];
	printf("vectors %016" PRIx64 "\n", sum);
}

static void on_trap(int signal_number, siginfo_t *info, void *context)
{
	(void)signal_number;
	(void)context;
	trap_code = info->si_code;
	siglongjmp(before_trap, 1);
}

static const char *name_of(int code)
{
	switch (code) {
	case 0:
		return "none";
	case FPE_FLTDIV:
		return "division by zero";
	case FPE_FLTOVF:
		return "overflow";
	case FPE_FLTUND:
		return "underflow";
	case FPE_FLTRES:
		return "inexact";
	case FPE_FLTINV:
		return "invalid";
	default:
		return "unknown";
	}
}

static void trap(int exceptions, double a, double b, int divide)
{
	volatile double x = a, y = b, result;

	trap_code = 0;
	if (sigsetjmp(before_trap, 1) == 0) {
		feclearexcept(FE_ALL_EXCEPT);
		feenableexcept(exceptions);
		result = divide ? x / y : x * y;
		(void)result;
	}
	fedisableexcept(FE_ALL_EXCEPT);
	feclearexcept(FE_ALL_EXCEPT);
	printf("%g %c %g with %d: %s\n", a, divide ? '/' : '*', b, exceptions != 0,
	       name_of(trap_code));
}

static void traps(void)
{
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigaction(SIGFPE, &action, NULL);
	trap(0, 1, 0, 1);
	trap(FE_DIVBYZERO, 1, 0, 1);
	trap(FE_DIVBYZERO, 0, 0, 1);
	trap(FE_INVALID, 0, 0, 1);
	trap(FE_INVALID, INFINITY, 0, 0);
	trap(FE_OVERFLOW, 1e300, 1e300, 0);
	trap(FE_UNDERFLOW, 1e-300, 1e-300, 0);
	trap(FE_INEXACT, 1, 3, 1);
	trap(FE_INEXACT, 1, 2, 1);
}

int main(void)
{
	integers();
	doubles(FE_TONEAREST, "nearest");
	doubles(FE_TOWARDZERO, "toward zero");
	doubles(FE_UPWARD, "up");
	doubles(FE_DOWNWARD, "down");
	vectors();
	traps();
	return 0;
}
