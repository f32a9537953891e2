/* Diagrams g(y, nu) = 0 of one unknown and one parameter, and where the path through a point of theirs ends. No PETSc solver. */
#pragma once
#include "fuzz.h"

#define CURVE_DEGREE 4

/* g = sum_ij c_ij (y - shift - slope nu)^i nu^j */
typedef struct {
  const char *name;
  PetscReal   c[CURVE_DEGREE][CURVE_DEGREE], shift, slope;
  PetscReal   nu, y; /* where the path begins */
} Curve;

typedef enum {
  END_NONE,     /* the target */
  END_FOLD,     /* g_y goes to zero like (nu_c - nu)^(1/2) */
  END_CROSSING, /* like nu_c - nu: branches cross, or y has a pole */
  END_OTHER     /* in another way, as where two of these meet */
} End;

typedef struct {
  End       end;
  PetscReal nu, y;    /* the last point of the path: at the target, or as near to the end as rounding lets one come */
  PetscReal slope;    /* dy/dnu there */
  PetscReal gy, last; /* g_y, and how far beyond nu the end may be */
} Scan;

extern void      CurveValue(const Curve *, PetscReal y, PetscReal nu, PetscReal *g, PetscReal *gy, PetscReal *gnu);
extern PetscReal CurveDraw(Curve *, Random *); /* returns a target */
extern void      CurveScan(const Curve *, PetscReal target, Scan *);
