/* What flow.c, sensitivity.c and curvature.c share. */
#pragma once
#include "aquifer.h"

/* the four neighbours: west, east, south, north */
extern const PetscInt flow_di[4], flow_dj[4];

PetscErrorCode FlowGetGhosted(Flow *, Vec, Vec *);
PetscErrorCode FlowGetFields(Flow *, Vec, Vec *, Vec *);

/* c T of the face towards neighbour k, between nodes with log-transmissivities a and b */
static inline PetscScalar FlowFace(const Grid *g, PetscInt k, PetscScalar a, PetscScalar b)
{
  return (k < 2 ? g->dy / g->dx : g->dx / g->dy) * PetscExpScalar(0.5 * (a + b));
}
